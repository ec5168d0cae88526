"""Learning curves of runs and sides against steps, frames and time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from runner.report.runs import Games, Run
from runner.report.statistics import Numbers, band

POINTS: Final = 100  # per curve
LAST_GAMES: Final = 100  # a curve shows the mean of the last 100 games, like the progress line
FIRST_GAMES: Final = 10  # games before a curve begins

# Horizontal axes: name and unit.
AXES: Final = {"steps": "steps", "frames": "frames", "time": "minutes"}


@dataclass(frozen=True)
class Curve:
    """A side's curve: arrays of (points,), NaN where unknown.

    The mean and its band cover the finished runs, or all runs while none has finished. They are
    drawn where each of these has a value, so that the start or end of a run causes no jump.
    """

    x: Numbers
    mean: Numbers
    low: Numbers
    high: Numbers
    runs: Numbers  # (runs, points)


def training_curve(runs: Sequence[Run], axis: str) -> Curve | None:
    """The mean score of the latest training games, against the runs' progress.

    Args:
        runs: Runs of one side and one game.
        axis: One of ``AXES``.

    Returns:
        None if no run has enough games yet.
    """
    return _curve(
        [(run, counted(run.games, axis)[FIRST_GAMES - 1 :], means_of(run)) for run in runs]
    )


def evaluation_curve(runs: Sequence[Run], axis: str) -> Curve | None:
    """The mean score of the intermediate evaluations.

    Their frames and minutes are interpolated between training games.
    """
    lines = []
    for run in runs:
        steps, points = run.evaluations
        if axis != "steps" and len(run.games.steps):
            steps = np.interp(steps, run.games.steps, counted(run.games, axis))
        elif axis != "steps":
            continue
        lines.append((run, steps, points))
    return _curve(lines)


def counted(games: Games, axis: str) -> Numbers:
    """Positions of the games' ends on ``axis``."""
    return {"steps": games.steps, "frames": games.frames, "time": games.seconds / 60}[axis]


def trailing_mean(points: Numbers) -> Numbers:
    """The mean of the last ``LAST_GAMES`` games, or of all games if there are fewer."""
    sums = np.cumsum(np.concatenate([[0.0], points]))
    ends = np.arange(1, len(points) + 1)
    begins = np.maximum(ends - LAST_GAMES, 0)
    return np.asarray((sums[ends] - sums[begins]) / (ends - begins))


def means_of(run: Run) -> Numbers:
    """A run's trailing means, from game ``FIRST_GAMES`` on."""
    return trailing_mean(run.games.points)[FIRST_GAMES - 1 :]


def best_reached(run: Run) -> float:
    """The highest trailing mean; minus infinity if too few games have ended."""
    return float(means_of(run).max(initial=-np.inf))


def time_to(run: Run, score: float) -> float | None:
    """Seconds of training until the trailing mean first reached ``score``."""
    reached = np.flatnonzero(means_of(run) >= score)
    return float(run.games.seconds[FIRST_GAMES - 1 + reached[0]]) if reached.size else None


def _curve(lines: Sequence[tuple[Run, Numbers, Numbers]]) -> Curve | None:
    """Interpolates the runs' lines on one grid and averages them."""
    lines = [line for line in lines if len(line[1])]
    if not lines:
        return None
    grid = np.linspace(min(x[0] for _, x, _ in lines), max(x[-1] for _, x, _ in lines), POINTS)
    curves = np.stack([np.interp(grid, x, y, left=np.nan, right=np.nan) for _, x, y in lines])
    finished = np.array([run.finished for run, _, _ in lines])
    averaged = curves[finished] if finished.any() else curves
    return Curve(grid, *band(averaged), curves)
