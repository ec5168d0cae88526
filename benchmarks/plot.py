"""Plots steps per second of all peers, one panel per case."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.report import figures, rounded, sides_of

COLOURS = {"ours": "#1b6ca8", "ours_bfloat16": "#6fb1e0", "sb3": "#e08a2e", "keras_rl2": "#8c8c8c"}


def plot(results: Mapping[str, Any], path: Path) -> None:
    """Writes ``path``, if there are peers to show."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    cases = [case for case in results["cases"].values() if case["peers"]]
    if not cases:
        return
    figure, panels = pyplot.subplots(
        1, len(cases), figsize=(3.6 * len(cases), 4), squeeze=False, layout="constrained"
    )
    for panel, case in zip(panels[0], cases, strict=True):
        _panel(panel, case)
    panels[0][0].set_ylabel("steps/s, median (min to max)")
    machine = results["machine"]
    figure.suptitle(f"Space Invaders, batch 32; {machine['cpu']}, {machine['cores']} core(s)")
    figure.savefig(path, dpi=150)
    pyplot.close(figure)


def _panel(panel: Any, case: Mapping[str, Any]) -> None:
    found = {side: figures(case["rounds"], side) for side in sides_of(case["rounds"])}
    rates = {side: each["steps_per_s"] for side, each in found.items() if "steps_per_s" in each}
    for place, (side, rate) in enumerate(rates.items()):
        reach = [[rate.median - rate.low], [rate.high - rate.median]]
        panel.bar(place, rate.median, yerr=reach, capsize=4, color=COLOURS.get(side))
        panel.annotate(rounded(rate.median), (place, rate.high), ha="center", va="bottom")
    panel.set_xticks(range(len(rates)), [side.replace("_", "\n") for side in rates])
    panel.set_title(case["title"].replace(", ", "\n"), fontsize=9)
    panel.margins(y=0.12)
    panel.spines[["top", "right"]].set_visible(False)
