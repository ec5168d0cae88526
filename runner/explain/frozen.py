"""Scores of full games in which one byte is hidden from the agent.

The game itself is unchanged: only the network's input has the byte at its median.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from runner.evaluation import QFunction, evaluate
from runner.settings.schema import Config


@dataclass(frozen=True)
class Score:
    """Mean of full games, and its 95 % interval (None for a single game)."""

    mean: float
    interval: Sequence[float] | None
    games: int

    def overlaps(self, other: Score) -> bool | None:
        """Whether the intervals overlap: the games then do not distinguish the scores."""
        if self.interval is None or other.interval is None:
            return None
        return self.interval[0] <= other.interval[1] and other.interval[0] <= self.interval[1]


def freeze(q_values: QFunction, index: int, value: int) -> QFunction:
    """``q_values`` with byte ``index`` of the input fixed at ``value``."""

    def blind(windows: NDArray[np.uint8]) -> NDArray[np.float32]:
        seen = windows.copy()
        seen[:, :, index] = value
        return q_values(seen)

    return blind


def play(q_values: QFunction, config: Config, *, episodes: int, seed: int) -> Score:
    """Plays full games, with the same starts for the same seed."""
    settings = dataclasses.replace(config.eval, episodes=episodes)
    result = evaluate(q_values, dataclasses.replace(config, eval=settings), seed=seed)
    assert result is not None  # nothing stops it
    return Score(result.mean, result.interval, episodes)


def frozen_scores(
    q_values: QFunction,
    windows: NDArray[np.uint8],
    inputs: Sequence[int],
    config: Config,
    *,
    episodes: int,
    minutes: float,
    seed: int,
    tell: Callable[[int, Score], None],
) -> tuple[Score, dict[int, Score]]:
    """Plays with no byte frozen, then with one byte at a time frozen, as time allows.

    Args:
        q_values: (B, window, n) uint8 -> (B, nb_actions).
        windows: (N, window, n) uint8, from which medians are computed.
        inputs: Bytes in the order in which they are frozen.
        config: Rules and observation.
        episodes: Games for each score.
        minutes: No byte is started whose games are expected to end later.
        seed: Seed of the games, the same for every score.
        tell: Called with each byte and its score.
    """
    began = time.monotonic()
    everything = play(q_values, config, episodes=episodes, seed=seed)
    scores: dict[int, Score] = {}
    for index in inputs:
        spent = time.monotonic() - began
        if spent + spent / (len(scores) + 1) > minutes * 60:
            break
        blind = freeze(q_values, index, int(np.median(windows[:, -1, index])))
        scores[index] = play(blind, config, episodes=episodes, seed=seed)
        tell(index, scores[index])
    return everything, scores
