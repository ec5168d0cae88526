"""Writes the report: a page, ``summary.csv``, ``curves.csv`` and PNG files."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

import numpy as np

from runner.errors import wrong
from runner.report import beside, findings, pages
from runner.report.charts import Chart, curve_chart, score_chart
from runner.report.curves import AXES, Curve, evaluation_curve, training_curve
from runner.report.figures import ALL_GAMES, Figures, figures, versus
from runner.report.league import FEWEST_GAMES, write_league
from runner.report.run_page import write_run_page
from runner.report.runs import Run, find_runs, in_order
from runner.report.sides import Side, find_sides, games_of, letter, protocol
from runner.report.videos import best_video

# Kinds of curves: name -> heading, function.
_KINDS: Final[dict[str, tuple[str, Callable[[Sequence[Run], str], Curve | None]]]] = {
    "training": ("Training games: mean of the last 100, with exploration", training_curve),
    "evaluation": ("Intermediate evaluations: full games, little exploration", evaluation_curve),
}

Curves = dict[tuple[str, str, str], list[tuple[Side, Curve]]]  # game, kind, axis -> sides' curves


def write_report(folders: Sequence[Path], out: Path, score: float | None = None) -> Path:
    """Reports all runs in and below ``folders``, finished or not.

    Args:
        folders: Run directories, sweep directories, or folders above them.
        out: Folder of the report; created if missing, an earlier report in it is replaced.
        score: Target score of the column "Time to target"; None: the highest score that every run
            reached.

    Returns:
        The path of ``report.html``: the page of a run if there is only one, else a comparison.

    Raises:
        UserError: A folder does not exist or contains no run, or ``out`` cannot be created.
    """
    runs = find_runs(folders)
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise wrong("out", out, f"a folder that can be written to ({error})") from error
    if len(runs) == 1 and runs[0].settings:
        return write_run_page(runs[0], out, score)
    sides = find_sides(runs)
    counted, curves = figures(sides, score), _all_curves(sides)
    columns = ("game", "side", "measure", "value", "low", "high")
    rows = [columns, *map(dataclasses.astuple, counted.values())]
    pages.write_csv(out / "summary.csv", rows)
    pages.write_csv(out / "curves.csv", _curve_rows(curves))
    settings = [(side.name, *pair) for side in sides for pair in side.settings.items()]
    pages.write_csv(out / "sides.csv", [("side", "setting", "value"), *settings])
    if len(sides) == 1 and len(games_of(sides)) >= FEWEST_GAMES:
        return write_league(sides[0], runs, counted, out)
    return _write_comparison(runs, sides, counted, curves, out)


def _write_comparison(
    runs: Sequence[Run], sides: Sequence[Side], counted: Figures, curves: Curves, out: Path
) -> Path:
    games = games_of(sides)
    videos = {
        game: found
        for game in games
        if (found := [(s, v) for s in sides if (v := best_video(s.of(game), out))])
    }
    texts = dict.fromkeys(_protocol_text(run) for run in runs)
    letters = {text: letter(place) for place, text in enumerate(texts)}
    top = Path(os.path.commonpath([run.folder.resolve().parent for run in runs]))
    return pages.write_html(
        out / "report.html",
        "comparison.html",
        title=_title(sides, games),
        runs=in_order(runs),
        sides=sides,
        games=games,
        sides_of={game: [side for side in sides if side.of(game)] for game in games},
        figures=counted,
        answers=findings.answers(sides, counted),
        warnings=findings.warnings(sides, runs),
        curves=_curve_charts(curves, out),
        score_charts=_score_charts(sides, counted, out),
        published={game: _beside(game, sides, counted) for game in games},
        versus=versus,
        ALL_GAMES=ALL_GAMES,
        videos=videos,
        top=top,
        protocols=letters,
        protocol_text=_protocol_text,
        side_of={run.folder: side.name for side in sides for run in side.runs},
    )


def _title(sides: Sequence[Side], games: Sequence[str]) -> str:
    if not sides:
        return "Runs that cannot be compared"
    played = ", ".join(games) if len(games) <= 4 else f"{len(games)} games"
    names = [side.name for side in sides]
    return f"{played}: {' against '.join(names) if len(names) <= 4 else f'{len(names)} sides'}"


def _all_curves(sides: Sequence[Side]) -> Curves:
    found: Curves = {}
    for game in games_of(sides):
        runs = [run for side in sides for run in side.of(game)]
        for kind, (_, make) in _KINDS.items():
            if kind == "evaluation" and all(run.evaluations.shape[1] < 2 for run in runs):
                continue  # only at the end
            for axis in AXES:
                made = [(side, make(side.of(game), axis)) for side in sides]
                if curves := [(side, curve) for side, curve in made if curve is not None]:
                    found[game, kind, axis] = curves
    return found


def _curve_charts(curves: Curves, out: Path) -> dict[str, dict[str, list[Chart]]]:
    charts: dict[str, dict[str, list[Chart]]] = {}
    for (game, kind, axis), of_sides in curves.items():
        title = f"{game}, {kind}: points against {axis}"
        png = out / f"{kind}_{game}_{axis}.png"
        lines = beside.reference_lines(of_sides[0][0].of(game)[0])
        chart = curve_chart(title, of_sides, AXES[axis], png, lines)
        charts.setdefault(game, {}).setdefault(_KINDS[kind][0], []).append(chart)
    return charts


def _score_charts(sides: Sequence[Side], counted: Figures, out: Path) -> Mapping[str, Chart]:
    return {
        game: score_chart(
            f"{game}: every run's score, and each side's IQM with its 95 % interval",
            game,
            sides,
            counted,
            out / f"scores_{game}.png",
        )
        for game in games_of(sides)
        if any(side.finished(game) for side in sides)
    }


def _beside(game: str, sides: Sequence[Side], counted: Figures) -> list[beside.Row]:
    own = []
    for side in sides:
        if iqm := counted.get((game, side.name, "iqm")):
            frames = counted.get((game, side.name, "frames"))
            own.append((side.name, iqm.value, frames.value if frames else None))
    first = next(run for side in sides for run in side.of(game))
    return beside.rows(first, own)


def _protocol_text(run: Run) -> str:
    if not run.settings:
        return "unknown"
    return ", ".join(f"{key} {value}" for key, value in protocol(run).items())


def _curve_rows(curves: Curves) -> Iterator[Sequence[str | float]]:
    yield ["game", "curve", "axis", "side", "x", "mean", "low", "high"]
    for (game, kind, axis), of_sides in curves.items():
        for side, curve in of_sides:
            for numbers in np.stack([curve.x, curve.mean, curve.low, curve.high], axis=1):
                yield [game, kind, axis, side.name, *numbers]
