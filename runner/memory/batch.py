"""A batch of transitions, as arrays."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray


class Batch(NamedTuple):
    """Transitions, each with the frames of both states.

    The action was taken in state0; state1 follows ``m`` steps later: 1, or up to ``n_step``.

    ``windows`` (..., F, *observation) uint8: state0 is the first ``window`` of the F frames, state1
    the last ``window``. For one step F is window + 1 and the states overlap; for more it is
    2 * window. ``actions`` (...) int32. ``rewards`` (...) float32: discounted sum over m steps.
    ``terminals`` (...) bool: no bootstrap from state1. ``steps`` (...) int64: m; None: 1 each.

    Prioritised replay only, else None: ``indices`` (...) int64, for the memory's
    ``update_priorities``; ``weights`` (...) float32, 0 to 1: factors on the samples' losses.
    """

    windows: NDArray[np.uint8]
    actions: NDArray[np.int32]
    rewards: NDArray[np.float32]
    terminals: NDArray[np.bool_]
    steps: NDArray[np.int64] | None = None
    indices: NDArray[np.int64] | None = None
    weights: NDArray[np.float32] | None = None

    def discounts(self, gamma: float) -> NDArray[np.float32]:
        """(...): discount of state1's value: gamma to the power of steps; 0 if terminal."""
        ahead = gamma if self.steps is None else np.float64(gamma) ** self.steps
        return np.where(self.terminals, 0.0, ahead).astype(np.float32)

    def reshape(self, *leading: int) -> Batch:
        """Returns the same transitions with their leading axes reshaped to ``leading``."""
        axes = self.actions.ndim
        return self._each(lambda array: array.reshape(*leading, *array.shape[axes:]))

    def part(self, first: int, last: int) -> Batch:
        """Returns a slice of the leading axis."""
        return self._each(lambda array: array[first:last])

    def _each(self, changed: Callable[[NDArray[Any]], NDArray[Any]]) -> Batch:
        return Batch(*(None if array is None else changed(array) for array in self))  # type: ignore[arg-type]
