"""All figures of the report, each once: the page shows them, ``summary.csv`` lists them."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from runner.report.curves import best_reached, time_to
from runner.report.runs import Run
from runner.report.sides import Side
from runner.report.statistics import (
    Estimate,
    Statistic,
    Strata,
    better,
    compare,
    difference,
    estimate,
    iqm,
    mean,
    median,
)
from runner.scores import human_normalised

ALL_GAMES: Final = "all games"
STATISTICS: Final[dict[str, Statistic]] = {"mean": mean, "median": median, "iqm": iqm}
COLUMNS: Final = ("game", "side", "measure", "value", "low", "high")


@dataclass(frozen=True)
class Figure:
    """One number; ``low`` and ``high`` bound its 95 % interval, NaN where there is none."""

    game: str
    side: str
    measure: str
    value: float
    low: float = math.nan
    high: float = math.nan

    @property
    def has_interval(self) -> bool:
        """Whether there is one."""
        return not math.isnan(self.low)


class Figures:
    """All of them, to be looked up by game, side and measure."""

    def __init__(self, figures: Sequence[Figure]) -> None:
        self._all = {(each.game, each.side, each.measure): each for each in figures}

    def get(self, game: str, side: str, measure: str) -> Figure | None:
        """Returns a figure, or None if it could not be known."""
        return self._all.get((game, side, measure))

    def csv(self) -> str:
        """``summary.csv``: one line a figure; what is not known is empty."""
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(COLUMNS)
        for each in self._all.values():
            numbers = (each.value, each.low, each.high)
            cells = ("" if math.isnan(number) else f"{number:.10g}" for number in numbers)
            writer.writerow([each.game, each.side, each.measure, *cells])
        return out.getvalue()


def games_of(sides: Sequence[Side]) -> list[str]:
    """The games that were played, in order."""
    return sorted({run.game for side in sides for run in side.runs})


def versus(side: str, base: str) -> str:
    """How two sides that are compared are named."""
    return f"{side} against {base}"


def figures(sides: Sequence[Side], score: float | None) -> Figures:
    """Counts everything.

    Args:
        sides: All sides; the first is what the others are compared with.
        score: Points that ``seconds_to_score`` asks for; None: per game, the highest that every
            run reached.
    """
    found: list[Figure] = []
    for game in games_of(sides):
        target = score if score is not None else _reached_by_all(sides, game)
        for side in sides:
            found += _of_side(side, game, target)
        for side in sides[1:]:
            found += _of_pair(side, sides[0], game)
    if len(games_of(sides)) > 1:
        found += _across_games(sides)
    return Figures(found)


def _of_side(side: Side, game: str, target: float | None) -> Iterator[Figure]:
    runs, ended = side.of(game), side.finished(game)
    if not runs:
        return

    def figure(measure: str, value: float) -> Figure:
        return Figure(game, side.name, measure, value)

    yield figure("runs", len(ended))
    yield figure("unfinished", len(runs) - len(ended))
    if ended:
        points = [_points(ended)]
        yield from _estimates(game, side.name, "", points)
        human = _human(game, points[0])
        if human is not None:
            yield from _estimates(game, side.name, "human_", [human])
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


def _of_pair(side: Side, base: Side, game: str) -> Iterator[Figure]:
    ours, theirs = side.finished(game), base.finished(game)
    if ours and theirs:
        yield from _compared(game, side, base, "", [_points(ours)], [_points(theirs)])


def _across_games(sides: Sequence[Side]) -> Iterator[Figure]:
    """Human-normalised, over the games that every side has finished runs of."""
    scores = {side.name: _strata(side, games_in_common(sides)) for side in sides}
    if not games_in_common(sides):
        return
    for side in sides:
        yield Figure(ALL_GAMES, side.name, "runs", sum(len(s) for s in scores[side.name]))
        yield from _estimates(ALL_GAMES, side.name, "human_", scores[side.name])
    for side in sides[1:]:
        pair = scores[side.name], scores[sides[0].name]
        yield from _compared(ALL_GAMES, side, sides[0], "human_", *pair)


def games_in_common(sides: Sequence[Side]) -> list[str]:
    """Games with published human scores that every side has finished runs of."""
    return [
        game
        for game in games_of(sides)
        if human_normalised(game, 0.0) is not None and all(side.finished(game) for side in sides)
    ]


def _strata(side: Side, games: Sequence[str]) -> list[Any]:
    return [_human(game, _points(side.finished(game))) for game in games]


def _estimates(game: str, side: str, prefix: str, strata: Strata) -> Iterator[Figure]:
    for name, statistic in STATISTICS.items():
        yield _figure(game, side, f"{prefix}{name}", estimate(strata, statistic))


def _compared(
    game: str, side: Side, base: Side, prefix: str, ours: Strata, theirs: Strata
) -> Iterator[Figure]:
    name = versus(side.name, base.name)
    yield _figure(game, name, f"{prefix}difference", compare(ours, theirs, difference))
    yield _figure(game, name, "better", compare(ours, theirs, better))


def _figure(game: str, side: str, measure: str, found: Estimate) -> Figure:
    return Figure(game, side, measure, found.value, found.low, found.high)


def _points(runs: Sequence[Run]) -> Any:
    return np.array([run.score for run in runs], float)


def _human(game: str, points: Any) -> Any:
    found = [human_normalised(game, float(each)) for each in points]
    return None if None in found else np.array(found, float)


def _reached_by_all(sides: Sequence[Side], game: str) -> float | None:
    runs = [run for side in sides for run in side.of(game)]
    runs = [run for run in runs if run.finished] or runs
    lowest = min((best_reached(run) for run in runs), default=-math.inf)
    return lowest if math.isfinite(lowest) else None


def _frames(run: Run) -> float | None:
    if run.result is not None and "frames" in run.result:
        return float(run.result["frames"])
    return float(run.games.frames[-1]) if len(run.games.frames) else None


def _seconds(run: Run) -> float | None:
    """Of training, all parts of a resumed run together: ``metrics.csv`` counts on."""
    known = [float(run.games.seconds[-1])] if len(run.games.seconds) else []
    if run.result is not None and "train_seconds" in run.result:
        known.append(float(run.result["train_seconds"]))
    return max(known, default=None)


def _steps_per_second(run: Run) -> float | None:
    if run.result is not None and "steps_per_second" in run.result:
        return float(run.result["steps_per_second"])
    if not len(run.games.steps) or run.games.seconds[-1] <= 0:
        return None
    begun_at = run.settings.get("start_step") or 0
    return float((run.games.steps[-1] - begun_at) / run.games.seconds[-1])


def _memory(run: Run) -> float | None:
    used = (run.result or {}).get("memory_bytes")
    return None if used is None else float(used)


_COSTS: Final[dict[str, Callable[[Run], float | None]]] = {
    "steps": lambda run: run.step,
    "frames": _frames,
    "train_seconds": _seconds,
    "steps_per_second": _steps_per_second,
    "memory_bytes": _memory,
}
