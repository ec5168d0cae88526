"""From folders with runs to the report: ``report.html``, ``summary.csv``, ``curves.csv``, PNGs."""

from __future__ import annotations

import csv
import io
import os
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final

import numpy as np

from runner.errors import wrong
from runner.report.charts import Chart, curve_chart, score_chart
from runner.report.curves import AXES, Curve, evaluation_curve, training_curve
from runner.report.figures import Figures, figures, games_of
from runner.report.page import Content, page
from runner.report.runs import Run, find_runs
from runner.report.sides import Side, find_sides
from runner.report.videos import Film, best_film

# Kinds of curves: name, heading, how it is made.
_KINDS: Final[dict[str, tuple[str, Callable[[Sequence[Run], str], Curve | None]]]] = {
    "training": ("Training games: mean of the last 100, with exploration", training_curve),
    "evaluation": ("Evaluations on the way: whole games, hardly any exploration", evaluation_curve),
}

Curves = dict[tuple[str, str, str], dict[int, Curve]]  # game, kind, axis -> place of side -> curve


def write_report(folders: Sequence[Path], out: Path, score: float | None = None) -> Path:
    """Compares all runs in and below ``folders``, finished or not.

    Args:
        folders: Run directories, sweep directories, or folders above them.
        out: Folder of the report; made if missing, an earlier report in it is replaced.
        score: Points, for the column "time to reach it"; None: the highest score that every run
            reached.

    Returns:
        The path of ``report.html``.

    Raises:
        UserError: A folder does not exist, or holds no run; ``out`` cannot be made.
    """
    runs = find_runs(folders)
    sides = find_sides(runs)
    counted = figures(sides, score)
    curves = _all_curves(sides)
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise wrong("out", out, f"a folder that can be written to ({error})") from error
    content = Content(
        runs,
        sides,
        counted,
        _curve_charts(curves, sides, out),
        _score_charts(sides, counted, out),
        _films(sides, out),
    )
    _write(out / "summary.csv", counted.csv())
    _write(out / "curves.csv", _csv(curves, sides))
    _write(out / "report.html", page(content))
    return out / "report.html"


def _films(sides: Sequence[Side], out: Path) -> dict[str, dict[str, Film]]:
    found = {
        game: {side.name: film for side in sides if (film := best_film(side, game, out))}
        for game in games_of(sides)
    }
    return {game: films for game, films in found.items() if films}


def _all_curves(sides: Sequence[Side]) -> Curves:
    found: Curves = {}
    for game in games_of(sides):
        for kind, (_, make) in _KINDS.items():
            if kind == "evaluation" and not _evaluated_on_the_way(sides, game):
                continue
            for axis in AXES:
                made = {place: make(side.of(game), axis) for place, side in enumerate(sides)}
                curves = {place: curve for place, curve in made.items() if curve is not None}
                if curves:
                    found[game, kind, axis] = curves
    return found


def _evaluated_on_the_way(sides: Sequence[Side], game: str) -> bool:
    return any(run.evaluations.shape[1] > 1 for side in sides for run in side.of(game))


def _curve_charts(
    curves: Curves, sides: Sequence[Side], out: Path
) -> dict[str, dict[str, list[Chart]]]:
    charts: dict[str, dict[str, list[Chart]]] = {}
    for (game, kind, axis), of_sides in curves.items():
        title = f"{game}, {kind}: points against {axis}"
        name = _file_name(f"{kind}_{game}_{axis}")
        chart = curve_chart(name, title, of_sides, sides, AXES[axis], out)
        charts.setdefault(game, {}).setdefault(_KINDS[kind][0], []).append(chart)
    return charts


def _score_charts(sides: Sequence[Side], counted: Figures, out: Path) -> dict[str, Chart]:
    return {
        game: score_chart(
            _file_name(f"scores_{game}"),
            f"{game}: every run's score, and each side's IQM with its 95 % interval",
            game,
            sides,
            counted,
            out,
        )
        for game in games_of(sides)
        if any(side.finished(game) for side in sides)
    }


def _csv(curves: Curves, sides: Sequence[Side]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["game", "curve", "axis", "side", "x", "mean", "low", "high"])
    for (game, kind, axis), of_sides in curves.items():
        for place, curve in of_sides.items():
            for point in _points(curve):
                writer.writerow([game, kind, axis, sides[place].name, *point])
    return out.getvalue()


def _points(curve: Curve) -> Iterator[list[str]]:
    for numbers in np.stack([curve.x, curve.mean, curve.low, curve.high], axis=1):
        yield ["" if np.isnan(number) else f"{number:.8g}" for number in numbers]


def _file_name(text: str) -> str:
    return re.sub(r"[^\w.-]+", "_", text, flags=re.ASCII)


def _write(path: Path, text: str) -> None:
    """Writes a file: whole, or not at all."""
    aside = path.with_name(f".{path.name}.tmp")
    aside.write_text(text, encoding="utf-8")
    os.replace(aside, path)
