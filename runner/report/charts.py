"""Draws the charts: SVG for the page, PNG files beside it."""

from __future__ import annotations

import io
import logging
import re
import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import matplotlib
import numpy as np
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from matplotlib.ticker import EngFormatter, MaxNLocator, ScalarFormatter

from runner.report.curves import Curve
from runner.report.figures import Figures, points
from runner.report.sides import Side

# The page's style sheet has these colours as variables, with others for dark mode; its legends
# (parts.html) use the same order of colours, dashes and markers.
INK: Final = "#1a1c20"
GRID: Final = "#d6d8dd"
# Okabe & Ito 2008, "Color Universal Design": distinguishable by colour-blind readers; some are
# darkened to a contrast of 3:1 on white. Dashes and markers convey the same without colour.
COLOURS: Final = ("#0072b2", "#c24e00", "#00795a", "#a84a80", "#6b5d00", "#555a66")
DASHES: Final = ("-", "--", "-.", ":")
MARKERS: Final = ("o", "s", "^", "D", "v", "X")
WIDTH: Final = 3.75  # inches: 270 points, a phone's width; three fit next to each other
HEIGHT: Final = 2.9

_STYLE: Final[dict[Any, Any]] = {
    "svg.fonttype": "none",
    "text.parse_math": False,  # a name may contain a dollar sign
    "font.size": 9,
    **dict.fromkeys(("text.color", "axes.labelcolor", "axes.edgecolor"), INK),
    **dict.fromkeys(("xtick.color", "ytick.color"), INK),
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": GRID,
    "grid.linewidth": 0.6,
    "axes.axisbelow": True,
}
logging.getLogger("matplotlib").setLevel(logging.ERROR)  # hides messages on caches and fonts


@dataclass(frozen=True)
class Chart:
    """A drawn chart.

    Attributes:
        title: Title of the chart.
        words: Text alternative of the chart.
        svg: SVG for the page, with the page's colour variables.
    """

    title: str
    words: str
    svg: Markup


def curve_chart(
    title: str,
    curves: Sequence[tuple[Side, Curve]],
    unit: str,
    png: Path,
    lines: Mapping[str, float],
) -> Chart:
    """Draws one line per side, its band, and each run as a thin line.

    Args:
        title: Title of the chart.
        curves: Curves with their sides.
        unit: Unit of the horizontal axis.
        png: The file.
        lines: Published scores by name, drawn if within the range of the axis.
    """

    def draw(axes: Axes) -> None:
        for side, curve in curves:
            look = _look(side.place)
            for run in curve.runs if len(curve.runs) > 1 else ():
                axes.plot(curve.x, run, color=look["color"], linewidth=0.6, alpha=0.55)
            axes.fill_between(
                curve.x, curve.low, curve.high, color=look["color"], alpha=0.18, linewidth=0
            )
            axes.plot(
                curve.x, curve.mean, label=side.name, **look, linewidth=1.8, markersize=4.5,
                markevery=(side.place * 4 % 20, 20),
            )  # fmt: skip
        axes.set_xlabel(unit)
        axes.set_ylabel("points")
        axes.xaxis.set_major_formatter(
            ScalarFormatter() if unit == "minutes" else EngFormatter(sep="")
        )
        axes.margins(x=0.02)
        low, high = axes.get_ylim()
        for name, score in lines.items():
            if low - (high - low) <= score <= high + (high - low) * 0.25:
                axes.axhline(score, color=INK, linewidth=0.9, linestyle=(0, (1, 2)))
                axes.text(
                    0.99, score, name, transform=axes.get_yaxis_transform(), ha="right", va="bottom"
                )

    words = "; ".join(_in_words(side.name, curve, unit) for side, curve in curves)
    return _drawn(title, words, draw, png)


def score_chart(title: str, game: str, sides: Sequence[Side], figures: Figures, png: Path) -> Chart:
    """Draws each run's final score as a dot, and each side's IQM with its interval."""
    rows = [
        (side, [run.score for run in ended], figures[game, side.name, "iqm"])
        for side in sides
        if (ended := side.finished(game))
    ]
    words = []
    for side, scores, iqm in rows:
        reach = f" ({iqm.interval})" if iqm.has_interval else ""
        runs = ", ".join(map(points, scores))
        words.append(f"{side.name}: IQM {iqm.written()}{reach} points; runs {runs}")

    def draw(axes: Axes) -> None:
        for row, (side, scores, iqm) in enumerate(rows):
            look = {**_look(side.place), "linestyle": ""}
            axes.text(0, row - 0.22, side.name, transform=axes.get_yaxis_transform())
            axes.plot(scores, [row + 0.02] * len(scores), **look, markersize=4, alpha=0.7)
            if iqm.has_interval:
                axes.plot([iqm.low, iqm.high], [row + 0.28] * 2, color=look["color"], linewidth=2.5)
            axes.plot(iqm.value, row + 0.28, **look, markersize=8)
        axes.set_yticks([])
        axes.set_ylim(len(rows) - 0.5, -0.5)
        axes.grid(False, axis="y")
        axes.set_xlabel("points")

    return _drawn(title, "; ".join(words), draw, png, 0.7 + 0.6 * len(rows))


def profile_chart(title: str, shares: Mapping[str, Sequence[float]], png: Path) -> Chart:
    """Draws, for each name, the share of games with at least each human-normalised score.

    Args:
        title: Title of the chart.
        shares: Name -> human-normalised scores, one per game.
        png: The file.
    """
    grid = np.linspace(0, 2, 201)
    words = []

    def above(scores: Sequence[float], level: float) -> float:
        return float(np.mean(np.asarray(scores) >= level))

    for name, scores in shares.items():
        parts = (f"{above(scores, level):.0%} at {level:g}" for level in (0.25, 0.5, 1, 2))
        words.append(f"{name}: {', '.join(parts)} or more")

    def draw(axes: Axes) -> None:
        for place, (name, scores) in enumerate(shares.items()):
            look = _look(place)
            axes.plot(
                grid, [above(scores, level) for level in grid], label=name, **look, linewidth=1.8,
                markersize=4.5, markevery=25,
            )  # fmt: skip
        axes.set_ylim(-0.02, 1.02)
        axes.set_xlabel("human-normalised score")
        axes.set_ylabel("share of the games")

    return _drawn(title, "; ".join(words), draw, png)


def _look(place: int) -> dict[str, Any]:
    return {
        "color": COLOURS[place % len(COLOURS)],
        "linestyle": DASHES[place % len(DASHES)],
        "marker": MARKERS[place % len(MARKERS)],
    }


def _in_words(side: str, curve: Curve, unit: str) -> str:
    known = np.flatnonzero(np.isfinite(curve.mean))
    if not len(known):
        return f"{side}: too few runs"
    first, last, digits = known[0], known[-1], 1 if unit == "minutes" else 0
    text = (
        f"{side}: from {points(curve.mean[first])} to {points(curve.mean[last])} points at "
        f"{curve.x[last]:,.{digits}f} {unit}"
    )
    if np.isfinite(curve.low[last]):
        text += f" (95 % band {points(curve.low[last])} to {points(curve.high[last])})"
    return text


def _drawn(
    title: str, words: str, draw: Callable[[Axes], None], png: Path, height: float = HEIGHT
) -> Chart:
    with matplotlib.rc_context({**_STYLE, "svg.hashsalt": png.stem}):
        canvas = Canvas(figsize=(WIDTH, height))
        axes = canvas.add_subplot()
        axes.xaxis.set_major_locator(MaxNLocator(5))
        draw(axes)
        if max(map(abs, axes.get_ylim())) >= 10_000:
            axes.yaxis.set_major_formatter(EngFormatter(sep=""))
        text = io.StringIO()
        unnamed = {"Date": None, "Creator": None, "Format": None, "Type": None}
        _fit(canvas, height, 0.08)
        canvas.savefig(text, format="svg", transparent=True, metadata=unnamed)
        title_lines = textwrap.wrap(title, 52)
        canvas.set_size_inches(WIDTH, height + 0.17 * len(title_lines))
        _fit(canvas, height + 0.17 * len(title_lines), 0.15 + 0.17 * len(title_lines))
        axes.set_title("\n".join(title_lines), fontsize=9)
        if 1 < len(axes.get_legend_handles_labels()[0]) <= len(COLOURS):  # more would hide them
            axes.legend(fontsize=7)  # the page has its own
        canvas.savefig(png, dpi=200, facecolor="white")
    return Chart(title, words, Markup(_for_the_page(text.getvalue())))


def _fit(canvas: Canvas, height: float, top: float) -> None:
    """Sets margins in inches: text there has a known size, so no layout engine is needed."""
    canvas.subplots_adjust(0.62 / WIDTH, 0.48 / height, 1 - 0.1 / WIDTH, 1 - top / height)


def _for_the_page(svg: str) -> str:
    """Removes metadata, fonts and unused ids, and replaces colours by the page's variables."""
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r"font-family: [^;\"]*;? ?", "", svg)
    svg = re.sub(r' id="([^"]+)"', lambda m: m[0] if f"#{m[1]}" in svg else "", svg)
    svg = re.sub(
        r'<svg [^>]*viewBox="([^"]+)"[^>]*>', r'<svg viewBox="\1" aria-hidden="true">', svg
    )
    colours = {INK: "--ink", GRID: "--grid"}
    colours |= {colour: f"--side-{place}" for place, colour in enumerate(COLOURS)}
    for colour, variable in colours.items():
        svg = svg.replace(colour, f"var({variable})")
    return re.sub(r"\s*\n\s*", " ", svg)
