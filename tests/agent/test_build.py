"""The public way to build an agent: the documented example runs unchanged, only shorter."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from models.adapting import adapting
from runner.agent.build import build_agent, make_model, places_found
from runner.weights import save_weights


def test_found_positions_are_named(load: Any) -> None:
    config = load("env=breakout", "obs=ram", "model.inputs=[{kind:places}]", "model.hidden=[4]")
    model = make_model(config, (128,), 4)
    assert places_found(config, model.layers) == []  # before it adapts
    (layer,) = (layer for layer in model.layers if hasattr(layer, "found"))
    layer.bytes.assign([99, 3, *[-1] * (layer.count - 2)])
    assert places_found(config, model.layers) == ["ball_x (99)", "blocks_3 (3)"]


@pytest.mark.parametrize("agent", ["dqn", "keras_rl2"])
def test_layers_adapt_to_random_play_unless_their_weights_are_loaded(
    load: Any, tmp_path: Path, capsys: Any, agent: str
) -> None:
    settings = (
        "env=pong", f"agent={agent}", "model.inputs=[standardized,places,bits]",
        "model.hidden=[4]", "train.warmup=600",
    )  # fmt: skip
    games = SimpleNamespace(
        single_observation_space=SimpleNamespace(shape=(128,)), action_meanings=["NOOP"] * 6
    )
    built = build_agent(load(*settings), games)
    assert [layer.is_adapted for layer in adapting(built.model)] == [True] * 3
    assert "positions found in random play: " in capsys.readouterr().out
    save_weights(built.model, tmp_path / "a.weights.h5")
    again = load(*settings, f"init_weights={tmp_path / 'a.weights.h5'}", "seed=1")
    loaded = build_agent(again, games)
    assert not capsys.readouterr().out
    for ours, theirs in zip(adapting(built.model), adapting(loaded.model), strict=True):
        for weight, other in zip(ours.get_weights(), theirs.get_weights(), strict=True):
            np.testing.assert_array_equal(weight, other)


@pytest.mark.slow
def test_the_documented_example(repository: Path, tmp_path: Path) -> None:
    text = (repository / "docs" / "howto.md").read_text()
    (code,) = (c for c in re.findall(r"```python\n(.*?)```", text, re.S) if "build_agent(" in c)
    shorter = code.replace("nb_steps=50_000", "nb_steps=1000").replace(
        '"train.warmup=5000"',
        '"train.warmup=600", "env.max_frames=400", "env.num_envs=8", "agent.jit_compile=false"',
    )
    assert "nb_steps=1000," in shorter
    assert "max_frames" in shorter
    (tmp_path / "train_pong.py").write_text(shorter)
    ended = subprocess.run(
        [sys.executable, "train_pong.py"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(repository)},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    assert "Training for 1000 steps" in ended.stdout
    assert (tmp_path / "pong.weights.h5").is_file()
