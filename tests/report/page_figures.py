"""Compares what a page shows with summary.csv."""

from __future__ import annotations

import csv
import re
from pathlib import Path

UNITS = {"": 1.0, "min": 60.0, "MB": 1e6}


def in_summary(folder: Path) -> dict[tuple[str, str, str, str], float]:
    """(game, side, measure, column) -> number in summary.csv."""
    found = {}
    with (folder / "summary.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            for column in ("value", "low", "high"):
                if row[column]:
                    name = row["game"], row["side"], row["measure"], column
                    found[name] = float(row[column])
    return found


def assert_shown(text: str, number: float) -> None:
    """Checks that ``text`` is ``number``, rounded to the last digit shown."""
    match = re.fullmatch(r"([+-]?[\d,]+(?:\.(\d+))?) ?(\w*)", text.strip())
    assert match, text
    unit = UNITS[match[3]]
    half = 0.5 * 10 ** -len(match[2] or "") * unit
    assert abs(float(match[1].replace(",", "")) * unit - number) <= half * 1.001, (text, number)
