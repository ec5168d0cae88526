"""Small runs of the real game, and comparisons of two runs."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import h5py
import numpy as np

# The replay wraps around, games end, the target network syncs; checkpoints every 100 steps.
SMALL = (
    "agent=dqn", "env=breakout", "env.max_frames=200", "agent.batch_size=8",
    "agent.target_update=50",
    "agent.jit_compile=false", "video=off",
    "memory.limit=300", "policy.nb_steps=1000", "train.warmup=64", "model.hidden=[16,8]",
    "eval.episodes=1", "checkpoint.interval=100",
)  # fmt: skip
PRIORITISED = ("memory=prioritized", "memory.beta_steps=400", "agent.n_step=3")
PIXEL = (
    "obs=pixel", "obs.height=20", "obs.width=20", "model.filters=[4]", "model.kernels=[4]",
    "model.strides=[4]",
)  # fmt: skip
# Every game and observation setting that carries state.
RULES = (
    "env.frame_skip=[2,3,4]", "env.noop_max=5", "env.start_moves_max=2", "env.fire_at_start=true",
    "env.terminal_on_life_loss=true", "env.life_loss_reward=-1", "env.max_steps=40",
    "env.truncation_reward=-1",
    "obs=raw", "obs.max_pool=true", "obs.crop=[34,194,0,160]", "obs.subsample=8",
    "obs.padding=first", "obs.zero_terminal_observation=true",
    "model.filters=[4]", "model.kernels=[4]", "model.strides=[4]",
)  # fmt: skip


def weights_in(folder: Path) -> list[Any]:
    found: list[Any] = []
    with h5py.File(folder / "weights" / "final.weights.h5") as file:
        file.visititems(
            lambda _, item: found.append(item[()]) if isinstance(item, h5py.Dataset) else None
        )
    return found


def games_in(folder: Path) -> list[dict[str, str]]:
    """The lines of metrics.csv without wall times."""
    with (folder / "metrics.csv").open(newline="") as file:
        lines = list(csv.DictReader(file))
    for line in lines:
        assert float(line.pop("wall_time")) >= 0
    return lines


def assert_same_run(ours: Path, expected: Path) -> None:
    pairs = list(zip(weights_in(ours), weights_in(expected), strict=True))
    assert len(pairs) >= 6
    for a, b in pairs:
        np.testing.assert_array_equal(a, b)
    games = games_in(expected)
    assert len(games) >= 4
    assert any(game["loss"] != "nan" for game in games)
    assert games_in(ours) == games
