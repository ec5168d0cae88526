"""Turns the figures of all rounds into medians, ratios and tables."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

Rounds = Sequence[Mapping[str, Mapping[str, Any]]]  # of one case: side -> figure -> value

NOT_FIGURES = ("load", "error")


class Summary(NamedTuple):
    """Summary of one figure over all rounds."""

    median: float
    low: float
    high: float
    rounds: int


def summary(values: Sequence[float]) -> Summary:
    return Summary(statistics.median(values), min(values), max(values), len(values))


def figures(rounds: Rounds, side: str) -> dict[str, Summary]:
    """Every figure of ``side``, over the rounds that did not fail."""
    values: dict[str, list[float]] = {}
    for measured in rounds:
        for name, value in measured.get(side, {}).items():
            if name not in NOT_FIGURES:
                values.setdefault(name, []).append(value)
    return {name: summary(of_rounds) for name, of_rounds in values.items()}


def ratios(rounds: Rounds, side: str, other: str, name: str = "steps_per_s") -> Summary | None:
    """``side`` / ``other``, round by round; None if no round has both.

    Measurements adjacent in time are compared, so that drift of the machine cancels out.
    """
    pairs = [(m.get(side, {}).get(name), m.get(other, {}).get(name)) for m in rounds]
    quotients = [a / b for a, b in pairs if a is not None and b]
    return summary(quotients) if quotients else None


def sides_of(rounds: Rounds) -> list[str]:
    """Sides in order of measurement."""
    return list(dict.fromkeys(side for measured in rounds for side in measured))


def table(rounds: Rounds, peers: bool) -> str:
    """One case as a Markdown table; ``peers``: with the speed ratio of the first side."""
    sides = sides_of(rounds)
    first = sides[0] if sides else ""
    head = ["side", "figure", "median", "min - max", "rounds"]
    head += [f"{first} / this, pair by pair"] if peers else []
    rows = [head, ["---", "---", *["--:"] * (len(head) - 2)]]
    for side in sides:
        for name, found in figures(rounds, side).items():
            row = [
                side,
                in_words(name),
                rounded(found.median),
                f"{rounded(found.low)} - {rounded(found.high)}",
                str(found.rounds),
            ]
            if peers:
                row.append(_ratio_cell(rounds, first, side, name))
            rows.append(row)
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join(lines + _failures(rounds))


def _ratio_cell(rounds: Rounds, first: str, side: str, name: str) -> str:
    found = ratios(rounds, first, side) if name == "steps_per_s" and side != first else None
    if found is None:
        return ""
    return f"**{found.median:.2f}** ({found.low:.2f} - {found.high:.2f})"


def _failures(rounds: Rounds) -> list[str]:
    failed = [
        f"- round {number}, {side}: {measured['error']}"
        for number, sides in enumerate(rounds, 1)
        for side, measured in sides.items()
        if "error" in measured
    ]
    return ["", "Failed:", "", *failed] if failed else []


def in_words(name: str) -> str:
    """``steps_per_s`` -> ``steps/s``."""
    return name.replace("_per_", "/").replace("_", " ")


def rounded(value: float) -> str:
    """Three significant figures, whole numbers from 100 on: ``1,234``, ``56.7``, ``0.0891``."""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def document(results: Mapping[str, Any]) -> str:
    """The content of results.md."""
    parts = ["# Benchmarks", "", *_machine_lines(results["machine"]), ""]
    for case in results["cases"].values():
        load = [m["load"] for r in case["rounds"] for m in r.values() if "load" in m]
        parts += [f"## {case['title']}", "", table(case["rounds"], case["peers"]), ""]
        note = f"`{case['name']}`, {case['date']}, commit {case['commit']}"
        parts += [note + (f", load average {min(load):g} - {max(load):g}" if load else ""), ""]
    return "\n".join(parts)


def _machine_lines(machine: Mapping[str, Any]) -> list[str]:
    def listed(versions: Mapping[str, str]) -> str:
        return ", ".join(f"{name} {version}" for name, version in versions.items())

    features = ", ".join(machine["features"]) or "no vector features known"
    return [
        f"- {machine['cpu']} ({machine['cpu_ids']}), {machine['cores']} core(s), {features}, "
        f"{machine['memory_gb']} GB",
        f"- {machine['system']}, Python {machine['python']}",
        f"- {listed(machine['versions'])}",
        f"- Stable-Baselines3's side: {listed(machine['sb3_versions'])}",
        "",
        "Absolute figures hold for this machine; ratios are medians of neighbouring measurements.",
    ]
