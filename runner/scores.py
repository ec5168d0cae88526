"""Published scores per game, the human-normalised score, and the interval of a mean score.

``data/published_scores.csv`` has a column per agent, ``data/published_agents.csv`` a row: emulator
frames of training, rules, and the source of the scores.
"""

from __future__ import annotations

import csv
import functools
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_DATA: Final = Path(__file__).parent / "data"
_Z_95: Final = 1.959964  # standard deviations on either side that cover 95 % of a normal


@dataclass(frozen=True)
class Published:
    """A published agent, random play, or a human.

    Attributes:
        name: Display name.
        frames: Emulator frames of training, None without training.
        sticky: Whether sticky actions were used (probability 0.25).
        rules: The rest of the protocol.
        source: Source of the scores.
        scores: ALE's name of the game -> points.
    """

    name: str
    frames: int | None
    sticky: bool
    rules: str
    source: str
    scores: Mapping[str, float]


@functools.cache
def published() -> dict[str, Published]:
    """All agents by their short names; ``random`` and ``human`` come first."""
    table = _rows("published_scores.csv")
    return {
        row["agent"]: Published(
            row["name"],
            int(row["frames"]) if row["frames"] else None,
            row["sticky"] == "1",
            row["rules"],
            row["source"],
            {game["game"]: float(points) for game in table if (points := game[row["agent"]])},
        )
        for row in _rows("published_agents.csv")
    }


def _rows(name: str) -> list[dict[str, str]]:
    with (_DATA / name).open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def human_normalised(game: str, points: float) -> float | None:
    """(points - random) / (human - random), or None for a game without published scores."""
    random, human = (published()[name].scores.get(game) for name in ("random", "human"))
    if random is None or human is None:
        return None
    return (points - random) / (human - random)


def interval_of_mean(mean: float, std: float, games: int) -> tuple[float, float] | None:
    """95 % interval of a mean score over its games, by the normal distribution; None: one game.

    Args:
        mean: Mean score.
        std: Standard deviation of the games' scores, of the population.
        games: Number of games.
    """
    if games < 2:
        return None
    half = _Z_95 * std / math.sqrt(games - 1)
    return mean - half, mean + half
