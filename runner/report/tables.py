"""The page's tables; every figure of them is one of ``Figures`` and says which."""

from __future__ import annotations

import html
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from runner.report.charts import swatch
from runner.report.figures import ALL_GAMES, STATISTICS, Figure, Figures, versus
from runner.report.formats import written
from runner.report.runs import Run
from runner.report.sides import Side, protocol, shown

SCORES: Final = {
    "runs": "Runs",
    "unfinished": "Not finished",
    "mean": "Mean",
    "median": "Median",
    "iqm": "IQM",
}
COSTS: Final = {
    "steps": "Steps",
    "frames": "Frames",
    "train_seconds": "Training time",
    "steps_per_second": "Steps/s",
    "memory_bytes": "Memory",
    "score": "Target score",
    "reached_score": "Runs there",
    "seconds_to_score": "Time to it",
}


Row = Sequence[str]  # cells


def escape(value: object) -> str:
    """Text, safe inside the page."""
    return html.escape(str(value))


def table(caption: str, heads: Sequence[str], rows: Sequence[Row], numbers_from: int = 1) -> str:
    """A table; on a phone every row becomes a list that names its columns.

    Args:
        caption: Above it.
        heads: Of the columns.
        rows: Their cells, ``<th>`` first.
        numbers_from: The first column of numbers.
    """
    body = "".join(f"<tr>{''.join(map(_headed, heads, row))}</tr>" for row in rows)
    cells = "".join(
        f'<th scope="col"{" class=number" if place >= numbers_from else ""}>{escape(head)}</th>'
        for place, head in enumerate(heads)
    )
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="{escape(caption)}">'
        f"<table><caption>{escape(caption)}</caption><thead><tr>{cells}</tr></thead>"
        f"<tbody>{body}</tbody></table></div>"
    )


def scores_table(game: str, sides: Sequence[Side], figures: Figures) -> str:
    """Mean, median and IQM of a game in points."""
    return _by_side(f"{game}: points at the end", game, sides, SCORES, figures)


def human_table(games: Sequence[str], sides: Sequence[Side], figures: Figures) -> str:
    """The same, human-normalised; with several games also over all of them."""
    measures = ["runs", *(f"human_{name}" for name in STATISTICS)]
    rows = [
        _row(f"{escape(game)}, {_named(i, side)}", game, side.name, measures, figures)
        for game in (*games, ALL_GAMES)
        for i, side in enumerate(sides)
        if figures.get(game, side.name, "human_iqm")
    ]
    if not rows:
        return ""
    heads = ["Game, side", "Runs", *(SCORES[name] for name in STATISTICS)]
    return table("Human-normalised: 0 is random play, 1 a human", heads, rows)


def difference_table(games: Sequence[str], sides: Sequence[Side], figures: Figures) -> str:
    """The sides against the first one."""
    rows = []
    for game in (*games, ALL_GAMES):
        for side in sides[1:]:
            name = versus(side.name, sides[0].name)
            measure = "human_difference" if game == ALL_GAMES else "difference"
            if figures.get(game, name, measure):
                head = f"{escape(game)}: {escape(name)}"
                rows.append(_row(head, game, name, [measure, "better"], figures))
    heads = ["Game: sides", "Difference of the IQM", "Chance to beat it"]
    return table("The sides against each other", heads, rows) if rows else ""


def cost_table(game: str, sides: Sequence[Side], figures: Figures) -> str:
    """What a side took: medians over its runs."""
    return _by_side(f"{game}: what a run took (medians)", game, sides, COSTS, figures)


def settings_table(sides: Sequence[Side]) -> str:
    """Only the settings in which the sides differ."""
    rows = [
        [
            f'<th scope="row"><code>{escape(key)}</code></th>',
            *(f"<td><code>{escape(side.settings[key])}</code></td>" for side in sides),
        ]
        for key in sides[0].settings
    ]
    heads = ["Setting", *(side.name for side in sides)]
    return table("Settings in which the sides differ", heads, rows, len(heads))


def protocols(runs: Sequence[Run]) -> dict[str, str]:
    """The protocols in use: their text -> a letter."""
    texts = dict.fromkeys(protocol_text(run) for run in runs)
    return {text: chr(ord("A") + place % 26) for place, text in enumerate(texts)}


def protocol_text(run: Run) -> str:
    """A run's protocol in words."""
    if not run.settings:
        return "unknown"
    rules = protocol(run)
    return ", ".join(f"{key} {value}" for key, value in rules.items())


def runs_table(sides: Sequence[Side], runs: Sequence[Run], letters: dict[str, str]) -> str:
    """Every run: what became of it, and its protocol."""
    side_of = {run.folder: side.name for side in sides for run in side.runs}
    top = _common(runs)
    rows = []
    for run in sorted(runs, key=lambda run: (side_of.get(run.folder, ""), run.game, str(run.seed))):
        score = "" if run.score is None else written("mean", run.score)
        cells = [
            f'<td class="path">{escape(side_of.get(run.folder, "unknown"))}</td>',
            f"<td>{escape(run.game)}</td>",
            f'<td class="number">{escape(shown(run.seed))}</td>',
            f"<td>{escape(state(run))}</td>",
            f'<td class="number">{run.step:,}</td>',
            f'<td class="number">{score}</td>',
            f"<td>{letters[protocol_text(run)]}</td>",
        ]
        path = f'<th scope="row" class="path"><code>{escape(_below(run.folder, top))}</code></th>'
        rows.append([path, *cells])
    heads = ["Run", "Side", "Game", "Seed", "State", "Step", "Score", "Protocol"]
    return table(f"Runs below {top}", heads, rows, len(heads))


def state(run: Run) -> str:
    """What became of a run."""
    if run.finished:
        return "finished"
    if run.problem is not None:
        return f"failed: {run.problem}"
    planned = run.settings.get("train.steps")
    of = f" of {planned:,}" if isinstance(planned, int) else ""
    return f"not finished: cut off or still running, step {run.step:,}{of}"


def _common(runs: Sequence[Run]) -> Path:
    """The folder that all runs lie in."""
    return Path(os.path.commonpath([run.folder.resolve().parent for run in runs]))


def _below(folder: Path, top: Path) -> str:
    return folder.resolve().relative_to(top).as_posix()


def _by_side(
    caption: str, game: str, sides: Sequence[Side], heads: dict[str, str], figures: Figures
) -> str:
    rows = [
        _row(_named(place, side), game, side.name, list(heads), figures)
        for place, side in enumerate(sides)
    ]
    return table(caption, ["Side", *heads.values()], rows)


def _named(place: int, side: Side) -> str:
    return f"{swatch(place)}{escape(side.name)}"


def _headed(head: str, cell: str) -> str:
    """The cell, with its column's head for where that stands not above it."""
    return cell.replace("<td", f'<td data-head="{escape(head)}"', 1)


def _row(head: str, game: str, side: str, measures: Sequence[str], figures: Figures) -> Row:
    cells = [_cell(figures.get(game, side, measure)) for measure in measures]
    return [f'<th scope="row">{head}</th>', *cells]


def _cell(found: Figure | None) -> str:
    if found is None:
        return '<td class="number">&ndash;</td>'
    names = {"game": found.game, "side": found.side, "measure": found.measure}
    place = " ".join(f'data-{name}="{escape(value)}"' for name, value in names.items())
    value, low, high = (
        f'<span data-column="{column}">{written(found.measure, number)}</span>'
        for column, number in (("value", found.value), ("low", found.low), ("high", found.high))
    )
    reach = f'<span class="reach">{low} to {high}</span>' if found.has_interval else ""
    return f'<td class="number" {place}>{value}{reach}</td>'
