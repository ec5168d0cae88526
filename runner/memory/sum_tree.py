"""Sum tree: sampling in proportion to weights in logarithmic time.

Source: Schaul et al. 2016, https://arxiv.org/abs/1511.05952 (appendix B.2.1). Deviation: a node
sums ``FANOUT`` children instead of two, so that a set of draws takes a few array operations per
level, and there are four levels where a binary tree has twenty.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

FANOUT: Final = 32


class SumTree:
    """Sums over ``size`` weights, all 0 at first.

    Every sum is recomputed from its children, never updated by differences: two trees with the same
    weights are bitwise identical.
    """

    def __init__(self, size: int) -> None:
        blocks = -(-size // FANOUT)
        self._levels: list[NDArray[np.floating]] = [np.zeros((blocks, FANOUT), np.float32)]
        while blocks > 1:  # from the weights up, each block has its sum in the level above
            blocks = -(-blocks // FANOUT)
            self._levels.append(np.zeros((blocks, FANOUT), np.float64))
        self.weights = self._levels[0].reshape(-1)[:size]  # (size,) float32; set by ``set`` only

    @property
    def nbytes(self) -> int:
        """Bytes of the weights and the sums."""
        return sum(level.nbytes for level in self._levels)

    @property
    def total(self) -> float:
        """The sum of all weights."""
        return float(np.cumsum(self._levels[-1], dtype=np.float64)[-1])

    def set(self, places: NDArray[np.int64], weights: NDArray[np.float32] | float) -> None:
        """Sets the weights at ``places`` (n,), all >= 0; if a place repeats, the last counts."""
        self.weights[places] = weights
        for level, above in pairwise(self._levels):
            places = places // FANOUT
            above.reshape(-1)[places] = level[places].astype(np.float64).sum(axis=1)

    def set_all(self, weights: NDArray[np.float32]) -> None:
        """Sets all weights (size,)."""
        self.weights[:] = weights
        for level, above in pairwise(self._levels):
            above.reshape(-1)[: len(level)] = level.astype(np.float64).sum(axis=1)

    def find(self, targets: NDArray[np.float64]) -> NDArray[np.int64]:
        """Returns the places (n,) where the cumulative weights first exceed ``targets``.

        Args:
            targets: (n,) from 0 to the total, which must not be 0.
        """
        places = np.zeros(len(targets), np.int64)
        rows = np.arange(len(targets))
        for level in reversed(self._levels):
            sums = np.cumsum(level[places], axis=1, dtype=np.float64)  # (n, FANOUT)
            # Rounding in the sums above must not lead past the last child with a weight.
            targets = np.minimum(targets, np.nextafter(sums[:, -1], 0.0))
            children = (sums > targets[:, None]).argmax(axis=1)
            targets = targets - np.where(children > 0, sums[rows, children - 1], 0.0)
            places = places * FANOUT + children
        return places
