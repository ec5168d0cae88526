"""Scores of whole games in which one byte is hidden from the agent.

The game itself is not touched: only what the network is given has the byte at its median.
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
    """Of some whole games: their mean, and its 95 % interval (None of a single game)."""

    mean: float
    interval: tuple[float, float] | None
    games: int

    def overlaps(self, other: Score) -> bool | None:
        """Whether the intervals meet: then the games do not tell the two apart."""
        if self.interval is None or other.interval is None:
            return None
        return self.interval[0] <= other.interval[1] and other.interval[0] <= self.interval[1]


def freeze(q_values: QFunction, index: int, value: int) -> QFunction:
    """``q_values`` that see byte ``index`` at ``value``, whatever it is."""

    def blind(windows: NDArray[np.uint8]) -> NDArray[np.float32]:
        seen = windows.copy()
        seen[:, :, index] = value
        return q_values(seen)

    return blind


def play(q_values: QFunction, config: Config, *, episodes: int, seed: int) -> Score:
    """Plays whole games, the same starts for the same seed."""
    settings = dataclasses.replace(config.eval, episodes=episodes)
    result = evaluate(q_values, dataclasses.replace(config, eval=settings), seed=seed)
    assert result is not None  # nothing stops it
    interval = result.interval
    return Score(result.mean, None if interval is None else (interval[0], interval[1]), episodes)


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
    """Plays with everything seen, then with one byte frozen after another, as time allows.

    Args:
        q_values: (B, window, n) uint8 -> (B, nb_actions).
        windows: (N, window, n) uint8, which the medians are taken of.
        inputs: Bytes in the order in which they are frozen.
        config: Rules and observation.
        episodes: Games for each score.
        minutes: No byte is begun that would, by the time of those before, end later.
        seed: Of the games: the same for every score.
        tell: Hears each byte's score.
    """
    began = time.monotonic()
    everything = play(q_values, config, episodes=episodes, seed=seed)
    scores: dict[int, Score] = {}
    for index in inputs:
        spent = time.monotonic() - began
        if spent + spent / (len(scores) + 1) > minutes * 60:
            break
        value = int(np.median(windows[:, -1, index]))
        blind = freeze(q_values, index, value)
        scores[index] = play(blind, config, episodes=episodes, seed=seed)
        tell(index, scores[index])
    return everything, scores
