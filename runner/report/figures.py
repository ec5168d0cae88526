"""All statistics of a report, shown on the page and in ``summary.csv``."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from runner.report import statistics
from runner.report.curves import best_reached, time_to
from runner.report.runs import Run
from runner.report.sides import Side, games_of
from runner.report.statistics import Strata, estimate
from runner.scores import human_normalised

ALL_GAMES: Final = "all games"
STATISTICS: Final = {"mean": statistics.mean, "median": statistics.median, "iqm": statistics.iqm}


def points(value: float, sign: str = "") -> str:
    """Points of a game as text."""
    return f"{value:{sign},.{1 if abs(value) >= 10 else 2}f}"


# Text format of each measure.
_FORMATS: Final[dict[str, Callable[[float], str]]] = {
    **dict.fromkeys(("mean", "median", "iqm", "score"), points),
    **dict.fromkeys(("human_mean", "human_median", "human_iqm"), lambda v: f"{v:.3f}"),
    **dict.fromkeys(
        ("runs", "unfinished", "reached_score", "steps", "frames", "steps_per_second"),
        lambda v: f"{v:,.0f}",
    ),
    **dict.fromkeys(("train_seconds", "seconds_to_score"), lambda v: f"{v / 60:,.1f} min"),
    "memory_bytes": lambda v: f"{v / 1e6:,.0f} MB",
    "difference": lambda v: points(v, "+"),
    "human_difference": lambda v: f"{v:+.3f}",
    "better": lambda v: f"{v:.2f}",
}


@dataclass(frozen=True)
class Figure:
    """One number; ``low`` and ``high`` bound its 95 % interval, NaN if there is none."""

    game: str
    side: str
    measure: str
    value: float
    low: float = math.nan
    high: float = math.nan

    @property
    def has_interval(self) -> bool:
        """Whether there is an interval."""
        return not math.isnan(self.low)

    def written(self, column: str = "value") -> str:
        """``value``, ``low`` or ``high`` as text."""
        return _FORMATS[self.measure](getattr(self, column))

    @property
    def interval(self) -> str:
        """The interval as text."""
        return f"{self.written('low')} to {self.written('high')}"


Figures = dict[tuple[str, str, str], Figure]  # by game, side and measure


def versus(side: str, base: str) -> str:
    """Name of a comparison of two sides."""
    return f"{side} against {base}"


def figures(sides: Sequence[Side], score: float | None) -> Figures:
    """Computes all figures.

    Args:
        sides: All sides; the others are compared with the first.
        score: Target points of ``seconds_to_score``; None: per game, the highest that every run
            reached.
    """
    found: list[Figure] = []
    for game in games_of(sides):
        target = score if score is not None else _reached_by_all(sides, game)
        for side in sides:
            found += _of_side(side, game, target)
        for side in sides[1:]:
            ours, theirs = side.finished(game), sides[0].finished(game)
            if ours and theirs:
                found += _compared(game, side, sides[0], "", [_points(ours)], [_points(theirs)])
    if len(games_of(sides)) > 1:
        found += _across_games(sides)
    return {(each.game, each.side, each.measure): each for each in found}


def _of_side(side: Side, game: str, target: float | None) -> Iterator[Figure]:
    runs, ended = side.of(game), side.finished(game)
    if not runs:
        return

    def figure(measure: str, value: float) -> Figure:
        return Figure(game, side.name, measure, value)

    yield figure("runs", len(ended))
    yield figure("unfinished", len(runs) - len(ended))
    if ended:
        yield from _estimates(game, side.name, "", [_points(ended)])
        if human_normalised(game, 0.0) is not None:
            yield from _estimates(game, side.name, "human_", [_human(game, ended)])
    for measure, of in _COSTS.items():
        values = [value for run in ended or runs if (value := of(run)) is not None]
        if values:
            yield figure(measure, float(np.median(values)))
    if target is not None:
        yield figure("score", target)
        times = [seconds for run in ended or runs if (seconds := time_to(run, target)) is not None]
        yield figure("reached_score", len(times))
        if times:
            yield figure("seconds_to_score", float(np.median(times)))


def _across_games(sides: Sequence[Side]) -> Iterator[Figure]:
    """Human-normalised figures over the games for which every side has finished runs."""
    common = games_in_common(sides)
    if not common:
        return
    scores = [[_human(game, side.finished(game)) for game in common] for side in sides]
    for side, strata in zip(sides, scores, strict=True):
        yield Figure(ALL_GAMES, side.name, "runs", sum(map(len, strata)))
        yield from _estimates(ALL_GAMES, side.name, "human_", strata)
    for side, strata in zip(sides[1:], scores[1:], strict=True):
        yield from _compared(ALL_GAMES, side, sides[0], "human_", strata, scores[0])


def games_in_common(sides: Sequence[Side]) -> list[str]:
    """Games with published human scores for which every side has finished runs."""
    return [
        game
        for game in games_of(sides)
        if human_normalised(game, 0.0) is not None and all(side.finished(game) for side in sides)
    ]


def _estimates(game: str, side: str, prefix: str, strata: Strata) -> Iterator[Figure]:
    for name, statistic in STATISTICS.items():
        yield Figure(game, side, f"{prefix}{name}", *estimate(strata, statistic))


def _compared(
    game: str, side: Side, base: Side, prefix: str, ours: Strata, theirs: Strata
) -> Iterator[Figure]:
    name = versus(side.name, base.name)
    difference = estimate(ours, statistics.difference, theirs)
    yield Figure(game, name, f"{prefix}difference", *difference)
    yield Figure(game, name, "better", *estimate(ours, statistics.better, theirs))


def _points(runs: Sequence[Run]) -> Any:
    return np.array([run.score for run in runs])


def _human(game: str, runs: Sequence[Run]) -> Any:
    return np.array([human_normalised(game, run.score) for run in runs], float)


def _reached_by_all(sides: Sequence[Side], game: str) -> float | None:
    runs = [run for side in sides for run in side.of(game)]
    runs = [run for run in runs if run.finished] or runs
    lowest = min((best_reached(run) for run in runs), default=-math.inf)
    return lowest if math.isfinite(lowest) else None


def frames(run: Run) -> float | None:
    """Emulator frames of training; None if unknown."""
    return run.result.get("frames", run.games.frames[-1] if len(run.games.frames) else None)


def seconds(run: Run) -> float | None:
    """Seconds of training, over all parts of a resumed run, as in ``metrics.csv``."""
    so_far = run.games.seconds[-1] if len(run.games.seconds) else None
    return run.result.get("train_seconds", so_far)


def steps_per_second(run: Run) -> float | None:
    """Steps per second of training."""
    if "steps_per_second" in run.result:
        return run.result["steps_per_second"]
    if not len(run.games.steps) or run.games.seconds[-1] <= 0:
        return None
    begun_at = run.settings.get("start_step")
    begun_at = begun_at if isinstance(begun_at, int) and begun_at < run.games.steps[-1] else 0
    return float((run.games.steps[-1] - begun_at) / run.games.seconds[-1])


_COSTS: Final[dict[str, Callable[[Run], float | None]]] = {
    "steps": lambda run: run.step,
    "frames": frames,
    "train_seconds": seconds,
    "steps_per_second": steps_per_second,
    "memory_bytes": lambda run: run.result.get("memory_bytes"),
}
