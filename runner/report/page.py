"""Puts the page together: one file that needs no network and no script."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from runner.report import findings, tables
from runner.report.charts import Chart, swatch
from runner.report.figures import Figures, games_of
from runner.report.runs import Run
from runner.report.sides import Side
from runner.report.tables import escape
from runner.report.videos import Film

_STYLE: Final = Path(__file__).with_name("page.css")
_READING: Final = Path(__file__).with_name("reading.html")


@dataclass(frozen=True)
class Content:
    """What the page shows.

    Attributes:
        curves: Of each game, rows of charts: a heading and its charts.
        scores: Of each game, the chart of the final scores; absent if no run has finished.
        films: Of each game, the best film of each side that has one.
    """

    runs: Sequence[Run]
    sides: Sequence[Side]
    figures: Figures
    curves: dict[str, dict[str, list[Chart]]]
    scores: dict[str, Chart]
    films: dict[str, dict[str, Film]]


def page(content: Content) -> str:
    """The whole of ``report.html``."""
    sides, games = content.sides, games_of(content.sides)
    names = " against ".join(side.name for side in sides)
    title = f"{', '.join(games)}: {names}" if sides else "Runs that cannot be compared"
    sections = {
        "curves": ("Learning curves", _curves(content)),
        "scores": ("Scores at the end", _scores(content, games)),
        "costs": ("What it took", _costs(content, games)),
        "films": ("Best games", _films(content)),
        "settings": ("What differs", _settings(sides)),
        "runs": ("Runs and protocols", _runs(content)),
        "reading": ("How to read this", _READING.read_text(encoding="utf-8")),
    }
    there = {name: section for name, section in sections.items() if section[1]}
    links = "".join(f'<li><a href="#{name}">{head}</a></li>' for name, (head, _) in there.items())
    body = "".join(
        f'<section id="{name}" aria-labelledby="{name}-head"><h2 id="{name}-head">{head}</h2>'
        f"{text}</section>"
        for name, (head, text) in there.items()
    )
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,">
<title>{escape(title)}</title>
<style>{_STYLE.read_text(encoding="utf-8")}</style>
</head>
<body>
<a class="skip" href="#main">Skip to the report</a>
<header><h1>{escape(title)}</h1>
<p>{len(content.runs)} runs, {sum(run.finished for run in content.runs)} of them finished.</p>
<nav aria-label="Sections"><ul>{links}</ul></nav></header>
<main id="main" tabindex="-1">
{_box("answer", "In short", findings.answers(sides, content.figures))}
{_box("warnings", "Read with care", findings.warnings(sides, content.runs))}
{body}
</main>
</body>
</html>
"""


def _box(name: str, head: str, sentences: Sequence[str]) -> str:
    if not sentences:
        return ""
    items = "".join(f"<li>{escape(sentence)}</li>" for sentence in sentences)
    return (
        f'<section class="{name}" aria-labelledby="{name}-head"><h2 id="{name}-head">{head}</h2>'
        f"<ul>{items}</ul></section>"
    )


def _legend(sides: Sequence[Side]) -> str:
    items = "".join(f"<li>{swatch(i)}{escape(side.name)}</li>" for i, side in enumerate(sides))
    return f'<ul class="legend" aria-label="Lines of the charts">{items}</ul>'


def _figure(chart: Chart) -> str:
    words = escape(f"{chart.title}. {chart.words}")
    return (
        f'<figure><div role="img" aria-label="{words}">{chart.svg}</div>'
        f"<figcaption>{escape(chart.title)}</figcaption></figure>"
    )


def _curves(content: Content) -> str:
    text = ""
    for game, rows in content.curves.items():
        text += f"<h3>{escape(game)}</h3>"
        for head, charts in rows.items():
            text += f'<div class="row"><p>{escape(head)}</p>{_legend(content.sides)}'
            text += f'<div class="charts">{"".join(map(_figure, charts))}</div></div>'
    return text


def _scores(content: Content, games: Sequence[str]) -> str:
    sides, figures = content.sides, content.figures
    text = ""
    for game in games:
        if game in content.scores:
            listed = tables.scores_table(game, sides, figures)
            text += f'<div class="pair">{listed}{_figure(content.scores[game])}</div>'
    text += tables.human_table(games, sides, figures)
    text += tables.difference_table(games, sides, figures)
    return text or "<p>No run has finished yet.</p>"


def _costs(content: Content, games: Sequence[str]) -> str:
    return "".join(tables.cost_table(game, content.sides, content.figures) for game in games)


def _films(content: Content) -> str:
    text = ""
    for game, films in content.films.items():
        shown = "".join(_film(side, film) for side, film in films.items())
        text += f'<h3>{escape(game)}</h3><div class="charts films">{shown}</div>'
    return text


def _film(side: str, film: Film) -> str:
    label = f"{side}, seed {film.run.seed}: {film.title}"
    source = escape(film.source)
    if film.kind == "image/gif":  # moves only when asked to
        shown = (
            f'<details><summary>Show the moving picture</summary><img src="{source}" '
            f'alt="{escape(label)}"></details>'
        )
    else:
        shown = (
            f'<video controls muted loop playsinline preload="auto" src="{source}" '
            f'aria-label="{escape(label)}"></video>'
        )
    return f"<figure>{shown}<figcaption>{escape(label)}</figcaption></figure>"


def _settings(sides: Sequence[Side]) -> str:
    if len(sides) < 2:
        return "<p>Nothing but seed and game.</p>"
    return tables.settings_table(sides)


def _runs(content: Content) -> str:
    letters = tables.protocols(content.runs)
    items = "".join(f"<dt>{letter}</dt><dd>{escape(p)}</dd>" for p, letter in letters.items())
    listed = tables.runs_table(content.sides, content.runs, letters)
    return f"{listed}<h3>Protocols</h3><dl>{items}</dl>"
