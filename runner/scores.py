"""Human-normalised score: 0 is random play, 1 a human's.

Source: Wang et al. 2016, https://arxiv.org/abs/1511.06581, appendix; see ``data/human_scores.csv``.
"""

from __future__ import annotations

import csv
import functools
from pathlib import Path

_TABLE = Path(__file__).parent / "data" / "human_scores.csv"


@functools.cache
def reference_scores() -> dict[str, tuple[float, float]]:
    """ALE's name of the game -> points of random play, points of a human; 57 games."""
    lines = [line for line in _TABLE.read_text().splitlines() if not line.startswith("#")]
    return {
        row["game"]: (float(row["random"]), float(row["human"])) for row in csv.DictReader(lines)
    }


def human_normalised(game: str, points: float) -> float | None:
    """(points - random) / (human - random), or None for a game without published scores."""
    if game not in reference_scores():
        return None
    random, human = reference_scores()[game]
    return (points - random) / (human - random)
