"""Draws the charts: as SVG inside the page, in its colours, and as PNG files beside it."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.ticker import EngFormatter, MaxNLocator, ScalarFormatter

from runner.report.curves import Curve
from runner.report.figures import Figures
from runner.report.formats import written
from runner.report.sides import Side

# The page's style sheet has these colours as variables, with others for the dark.
INK: Final = "#1a1c20"
GRID: Final = "#d6d8dd"
# Okabe & Ito 2008, "Color Universal Design": told apart by colour-blind readers; some are darkened
# to a contrast of 3:1 on white. Dashes and markers say the same without any colour.
SIDE_COLOURS: Final = ("#0072b2", "#c24e00", "#00795a", "#a84a80", "#6b5d00", "#555a66")
DASHES: Final = ("-", "--", "-.", ":")
MARKERS: Final = ("o", "s", "^", "D", "v", "X")
WIDTH: Final = 3.75  # inches: 270 points, a phone's width; three stand next to each other
HEIGHT: Final = 2.9

_STYLE: Final[dict[Any, Any]] = {
    "svg.fonttype": "none",
    "text.parse_math": False,  # a name may hold a dollar sign
    "font.size": 9,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": GRID,
    "grid.linewidth": 0.6,
    "axes.axisbelow": True,
}


@dataclass(frozen=True)
class Chart:
    """A drawn chart.

    Attributes:
        name: Of its PNG file, without ``.png``.
        title: What is drawn.
        words: The same in words and numbers, for those who do not see it.
        svg: For the page; its colours are the page's variables.
    """

    name: str
    title: str
    words: str
    svg: str


def curve_chart(
    name: str, title: str, curves: dict[int, Curve], sides: Sequence[Side], unit: str, folder: Path
) -> Chart:
    """Draws one line per side, its band, and each run as a thin line.

    Args:
        name: Of the files.
        title: What is drawn.
        curves: By the side's place in ``sides``.
        sides: All sides.
        unit: Of the horizontal axis.
        folder: Where the PNG goes.
    """

    def draw(axes: Axes) -> None:
        for place, curve in curves.items():
            look = _look(place)
            for run in curve.runs if len(curve.runs) > 1 else ():
                axes.plot(curve.x, run, color=look["color"], linewidth=0.6, alpha=0.55)
            axes.fill_between(
                curve.x, curve.low, curve.high, color=look["color"], alpha=0.18, linewidth=0
            )
            axes.plot(
                curve.x, curve.mean, **look, linewidth=1.8, markersize=4.5,
                markevery=(place * 4 % 20, 20),
            )  # fmt: skip
        axes.set_xlabel(unit)
        axes.set_ylabel("points")
        axes.xaxis.set_major_formatter(
            ScalarFormatter() if unit == "minutes" else EngFormatter(sep="")
        )
        axes.xaxis.set_major_locator(MaxNLocator(5))
        axes.margins(x=0.02)

    words = "; ".join(_in_words(sides[place].name, curve, unit) for place, curve in curves.items())
    return _drawn(name, title, words, draw, folder)


def score_chart(
    name: str, title: str, game: str, sides: Sequence[Side], figures: Figures, folder: Path
) -> Chart:
    """Draws each run's final score as a dot, and each side's IQM with its interval."""
    words = []
    for side in sides:
        if (iqm := figures.get(game, side.name, "iqm")) is not None:
            scores = ", ".join(written("mean", run.score or 0.0) for run in side.finished(game))
            low, high = written("iqm", iqm.low), written("iqm", iqm.high)
            reach = f" ({low} to {high})" if iqm.has_interval else ""
            words.append(
                f"{side.name}: IQM {written('iqm', iqm.value)}{reach} points; runs {scores}"
            )

    def draw(axes: Axes) -> None:
        for place, side in enumerate(sides):
            colour, marker = _look(place)["color"], _look(place)["marker"]
            points = [run.score or 0.0 for run in side.finished(game)]
            iqm = figures.get(game, side.name, "iqm")
            if iqm is None:
                continue
            axes.plot(
                points, [place + 0.18] * len(points), color=colour, marker=marker, linestyle="",
                markersize=4, alpha=0.7,
            )  # fmt: skip
            if iqm.has_interval:
                axes.plot([iqm.low, iqm.high], [place - 0.12] * 2, color=colour, linewidth=2.5)
            axes.plot(iqm.value, place - 0.12, color=colour, marker=marker, markersize=8)
        names = [_wrapped(side.name) for side in sides]
        axes.set_yticks(range(len(sides)), names)
        axes.set_ylim(len(sides) - 0.5, -0.5)
        axes.grid(False, axis="y")
        axes.xaxis.set_major_locator(MaxNLocator(5))
        axes.set_xlabel("points")

    height = 0.9 + 0.55 * len(sides)
    return _drawn(name, title, "; ".join(words), draw, folder, height)


def swatch(place: int) -> str:
    """A short line with the side's colour, dash and marker, for legends in the page."""
    colour = f"var(--side-{place % len(SIDE_COLOURS)})"
    dash = {"-": "none", "--": "6 3", "-.": "8 3 2 3", ":": "2 3"}[DASHES[place % len(DASHES)]]
    return (
        '<svg class="swatch" viewBox="0 0 36 12" width="36" height="12" aria-hidden="true">'
        f'<path d="M1 6H35" stroke="{colour}" stroke-width="2.5" stroke-dasharray="{dash}"/>'
        f"{_marker(place, colour)}</svg>"
    )


def _marker(place: int, colour: str) -> str:
    shapes = {
        "o": '<circle cx="18" cy="6" r="4"',
        "s": '<path d="M14 2h8v8h-8z"',
        "^": '<path d="M18 1l5 9h-10z"',
        "D": '<path d="M18 1l5 5-5 5-5-5z"',
        "v": '<path d="M18 11l5-9h-10z"',
        "X": '<path d="M14 1l4 3 4-3 1 1-3 4 3 4-1 1-4-3-4 3-1-1 3-4-3-4z"',
    }
    return f'{shapes[MARKERS[place % len(MARKERS)]]} fill="{colour}"/>'


def _look(place: int) -> dict[str, Any]:
    return {
        "color": SIDE_COLOURS[place % len(SIDE_COLOURS)],
        "linestyle": DASHES[place % len(DASHES)],
        "marker": MARKERS[place % len(MARKERS)],
    }


def _wrapped(name: str) -> str:
    return name.replace(", ", ",\n")


def _in_words(side: str, curve: Curve, unit: str) -> str:
    known = np.flatnonzero(np.isfinite(curve.mean))
    if not len(known):
        return f"{side}: too few runs"
    first, last, digits = known[0], known[-1], 1 if unit == "minutes" else 0
    text = (
        f"{side}: from {written('mean', curve.mean[first])} to "
        f"{written('mean', curve.mean[last])} points at {curve.x[last]:,.{digits}f} {unit}"
    )
    if np.isfinite(curve.low[last]):
        low, high = written("mean", curve.low[last]), written("mean", curve.high[last])
        text += f" (95 % band {low} to {high})"
    return text


def _drawn(
    name: str,
    title: str,
    words: str,
    draw: Callable[[Axes], None],
    folder: Path,
    height: float = HEIGHT,
) -> Chart:
    with matplotlib.rc_context({**_STYLE, "svg.hashsalt": name}):
        canvas = Canvas(figsize=(WIDTH, height))
        draw(canvas.add_subplot())
        text = io.StringIO()
        unnamed = {"Date": None, "Creator": None, "Format": None, "Type": None}
        _lay_out(canvas)
        canvas.savefig(text, format="svg", transparent=True, metadata=unnamed)
        canvas.axes[0].set_title(title, fontsize=9)
        _lay_out(canvas)
        canvas.savefig(folder / f"{name}.png", dpi=200, facecolor="white")
    return Chart(name, title, words, _for_the_page(text.getvalue()))


def _lay_out(canvas: Canvas) -> None:
    """Once: left to ``savefig``, it is done twice, and takes most of its time."""
    ConstrainedLayoutEngine().execute(canvas)


def _for_the_page(svg: str) -> str:
    """Leaves out what a page needs not, and puts its variables for colours and its font."""
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r"font-family: [^;\"]*;? ?", "", svg)
    svg = re.sub(r' id="([^"]+)"', lambda m: m[0] if f"#{m[1]}" in svg else "", svg)
    svg = re.sub(
        r'<svg [^>]*viewBox="([^"]+)"[^>]*>', r'<svg viewBox="\1" aria-hidden="true">', svg
    )
    colours = {INK: "--ink", GRID: "--grid"}
    colours |= {colour: f"--side-{place}" for place, colour in enumerate(SIDE_COLOURS)}
    for colour, variable in colours.items():
        svg = svg.replace(colour, f"var({variable})")
    return re.sub(r"\s*\n\s*", " ", svg)
