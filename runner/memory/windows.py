"""The current observation window of every environment."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


class RunningWindows:
    """States of ``streams`` environments, shifted by one observation per step.

    ``states`` is (streams, window, *observation) uint8, oldest first; until an episode has filled
    its window, ``padding`` does: with ``zeros``, or with its ``first`` observation.
    """

    def __init__(
        self, streams: int, window: int, observation_shape: Sequence[int], padding: str = "zeros"
    ) -> None:
        self.states = np.zeros((streams, window, *observation_shape), np.uint8)
        self._repeats = padding == "first"

    def push(
        self, span: slice, observations: NDArray[np.uint8], starts: NDArray[np.bool_] | bool
    ) -> None:
        """Adds one observation of each environment in ``span``.

        Args:
            span: ``n`` environments.
            observations: (n, *observation).
            starts: (n,) true if the observation is the first of an episode.
        """
        states = self.states[span]
        states[:, :-1] = states[:, 1:]
        states[:, -1] = observations
        if np.any(starts):
            # A plain True as an index would add an axis and fill whole streams.
            started = np.broadcast_to(starts, len(states))
            states[started, :-1] = states[started, -1:] if self._repeats else 0

    @property
    def latest(self) -> NDArray[np.uint8]:
        """(streams, *observation): the latest observations."""
        return self.states[:, -1]
