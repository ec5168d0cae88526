"""The last observations of every running game: what the agent acts on."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


class RunningWindows:
    """States of ``streams`` games, shifted by one observation a step.

    ``states`` is (streams, window, *observation) uint8, oldest first, zero where an episode has not
    yet filled its window.
    """

    def __init__(self, streams: int, window: int, observation_shape: Sequence[int]) -> None:
        self.states = np.zeros((streams, window, *observation_shape), np.uint8)

    def push(self, observations: NDArray[np.uint8], starts: NDArray[np.bool_] | bool) -> None:
        """Adds one observation of every game.

        Args:
            observations: (streams, *observation).
            starts: (streams,) true where the observation is the first of an episode.
        """
        self.states[:, :-1] = self.states[:, 1:]
        self.states[:, -1] = observations
        if np.any(starts):
            # A plain True as index would mean the axis of games as a whole, and zero another one.
            self.states[np.broadcast_to(starts, len(self.states)), :-1] = 0

    @property
    def latest(self) -> NDArray[np.uint8]:
        """(streams, *observation): the observations that are acted on."""
        return self.states[:, -1]
