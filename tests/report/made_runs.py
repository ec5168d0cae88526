"""Run directories with given numbers, written by the project's code."""

from __future__ import annotations

import csv
import functools
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from runner.callbacks.metrics import COLUMNS
from runner.run_directory import RunDirectory
from runner.settings import compose
from runner.settings.schema import Config


@functools.cache
def settings(*overrides: str) -> Config:
    return compose.load(["memory.limit=20000", *overrides])


def make_run(
    folder: Path,
    *overrides: str,
    points: Sequence[float] = (),
    score: float | None = None,
    steps: int = 1000,
    seconds: float = 60.0,
) -> Path:
    """A run whose training games scored ``points``, evenly spread over ``steps``.

    Args:
        folder: Folder of the run.
        overrides: Settings of the run.
        points: Scores of its training games.
        score: Mean of the evaluation at the end; None: the run is unfinished.
        steps: Where it ended.
        seconds: When it ended.
    """
    run = RunDirectory.claim(folder, settings(*overrides), may_rename=False)
    ends = np.linspace(0, 1, len(points) + 1)[1:]
    with run.metrics.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        for end, each in zip(ends, points, strict=True):
            step = round(end * steps)
            writer.writerow([step, 4 * step, f"{end * seconds:.3f}", each, 50, 0.1, 1.0, 0.1])
    if score is not None:
        run.write_result({
            "steps": steps, "frames": 4 * steps, "train_seconds": seconds,
            "steps_per_second": round(steps / seconds, 1), "memory_bytes": 700_000_000,
            "evaluation": {"mean": score, "episodes": 30},
        })  # fmt: skip
    return folder


def make_sweep(top: Path) -> Path:
    """Both observations on two games, three seeds each; one run is unfinished."""
    for game, best in (("breakout", 30.0), ("space_invaders", 400.0)):
        for obs, factor in (("ram", 1.0), ("pixel", 1.5)):
            for seed in range(3):
                generator = np.random.default_rng([seed, len(game), len(obs)])
                level = np.linspace(0.1, factor * best, 60)
                score = (
                    None if (game, obs, seed) == ("breakout", "ram", 2) else factor * best + seed
                )
                make_run(
                    top / f"env={game},obs={obs},seed={seed}",
                    f"env={game}", f"obs={obs}", f"seed={seed}", "train.steps=1000",
                    points=generator.poisson(level).tolist(), score=score,
                    steps=1000 if score else 300, seconds=60.0 + seed,
                )  # fmt: skip
    return top
