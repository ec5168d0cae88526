"""Transitions of random play, the input of layers that adapt."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Seen(NamedTuple):
    """N transitions of random play.

    ``windows`` (N, F, *observation) uint8: F consecutive observations of one game; zeros before
    its start. ``actions`` (N,) int32: the action after the newest observation. ``after``
    (N, *observation) uint8: the observation one or a few steps later.
    """

    windows: NDArray[np.uint8]
    actions: NDArray[np.int32]
    after: NDArray[np.uint8]

    def of_first(self, width: int | None) -> Seen:
        """The same transitions, reduced to the first ``width`` of the observations' last axis."""
        return self._replace(windows=self.windows[..., :width], after=self.after[..., :width])
