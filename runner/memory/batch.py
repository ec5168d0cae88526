"""A batch of transitions, as arrays."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Batch(NamedTuple):
    """Transitions, each with the frames of both its states.

    State0 is what was acted on; state1 is what ``m`` steps led to: 1, or up to ``n_step``.

    ``windows`` (..., F, *observation) uint8: state0 is the first ``window`` of the F frames, state1
    the last ``window``. For one step F is window + 1, the states overlap; for more it is
    2 * window. ``actions`` (...) int32. ``rewards`` (...) float32: of all m steps, each discounted.
    ``terminals`` (...) bool: no bootstrap from state1. ``steps`` (...) int64: m; None: 1 each.

    Prioritised replay only, else None: ``indices`` (...) int64, what the memory's
    ``update_priorities`` takes; ``weights`` (...) float32, 0 to 1: factors on the samples' losses.
    """

    windows: NDArray[np.uint8]
    actions: NDArray[np.int32]
    rewards: NDArray[np.float32]
    terminals: NDArray[np.bool_]
    steps: NDArray[np.int64] | None = None
    indices: NDArray[np.int64] | None = None
    weights: NDArray[np.float32] | None = None

    def discounts(self, gamma: float) -> NDArray[np.float32]:
        """(...): what state1's value counts for: gamma to the number of steps; 0 at a terminal."""
        ahead = gamma if self.steps is None else np.float64(gamma) ** self.steps
        return np.where(self.terminals, 0.0, ahead).astype(np.float32)

    def reshape(self, *leading: int) -> Batch:
        """Returns the same transitions, their leading axes made ``leading``."""
        axes = self.actions.ndim
        return Batch(
            *(
                None if array is None else array.reshape(*leading, *array.shape[axes:])
                for array in self
            )  # type: ignore[arg-type]
        )

    def part(self, first: int, last: int) -> Batch:
        """Returns a span of the leading axis."""
        return Batch(*(None if array is None else array[first:last] for array in self))  # type: ignore[arg-type]
