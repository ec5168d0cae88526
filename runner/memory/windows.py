"""The current observation window of every running game."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


class RunningWindows:
    """States of ``streams`` games, shifted by one observation a step.

    ``states`` is (streams, window, *observation) uint8, oldest first; where an episode has not yet
    filled its window, ``padding`` does: with ``zeros``, or with its ``first`` observation.
    """

    def __init__(
        self, streams: int, window: int, observation_shape: Sequence[int], padding: str = "zeros"
    ) -> None:
        self.states = np.zeros((streams, window, *observation_shape), np.uint8)
        self._repeats = padding == "first"

    def push(
        self, span: slice, observations: NDArray[np.uint8], starts: NDArray[np.bool_] | bool
    ) -> None:
        """Adds one observation of each game in ``span``.

        Args:
            span: The games, ``n`` of them.
            observations: (n, *observation).
            starts: (n,) true where the observation is the first of an episode.
        """
        states = self.states[span]
        states[:, :-1] = states[:, 1:]
        states[:, -1] = observations
        if np.any(starts):
            # A plain True as an index would add an axis, and fill whole streams.
            started = np.broadcast_to(starts, len(states))
            states[started, :-1] = states[started, -1:] if self._repeats else 0

    @property
    def latest(self) -> NDArray[np.uint8]:
        """(streams, *observation): the observations that are acted on."""
        return self.states[:, -1]
