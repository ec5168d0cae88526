"""Transitions of the warm-up, as the layers that adapt see them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Seen(NamedTuple):
    """N transitions of random play.

    ``windows`` (N, F, *observation) uint8: F consecutive observations of one game each; those
    before the start of a game are all zeros. ``actions`` (N,) int32: what was done at the newest of
    them. ``after`` (N, *observation) uint8: the observation one step later, or a few.
    """

    windows: NDArray[np.uint8]
    actions: NDArray[np.int32]
    after: NDArray[np.uint8]

    def of_first(self, width: int | None) -> Seen:
        """The same with the first ``width`` of the observation's last axis only."""
        return self._replace(windows=self.windows[..., :width], after=self.after[..., :width])
