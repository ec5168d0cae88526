"""Prioritized replay: sampling probabilities and importance weights.

Source: Schaul et al. 2016, https://arxiv.org/abs/1511.05952 (proportional prioritisation, algorithm
1; stratified draws, appendix B.2.1). Deviation: importance weights are divided by the largest in
the batch.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from runner.memory.sum_tree import SumTree


@dataclass(frozen=True)
class Prioritization:
    """Parameters of prioritised replay.

    Args:
        alpha: Exponent of the priorities: 0 is uniform, 1 is proportional to the error.
        beta_start: Initial exponent of the importance weights: 0 is no correction, 1 is full.
        beta_steps: Step at which the exponent, increasing linearly, reaches 1.
        epsilon: Added to the absolute errors, so that every transition can be drawn again.
        first_step: Step at which the memory begins to fill.
    """

    alpha: float
    beta_start: float
    beta_steps: int
    epsilon: float
    first_step: int = 0


class Priorities(SumTree):
    """Priorities of the entries of a memory; 0: never drawn.

    The tree's weights are priorities to the power of alpha.

    Args:
        size: Number of entries.
        settings: Parameters of prioritised replay.
    """

    def __init__(self, size: int, settings: Prioritization) -> None:
        super().__init__(size)
        self._settings = settings
        self._largest = 1.0  # priority ** alpha: the largest so far, assigned to new transitions
        self.step = settings.first_step  # steps of the run, including those before the memory

    @property
    def beta(self) -> float:
        """Current exponent of the importance weights."""
        start = self._settings.beta_start
        return min(1.0, start + (1.0 - start) * self.step / self._settings.beta_steps)

    def add(self, places: NDArray[np.int64], drawable: NDArray[np.bool_]) -> None:
        """Gives drawable entries at ``places`` (n,) an initial priority, the others 0."""
        known = self.weights[places]
        self.set(places, np.where(drawable, np.where(known > 0, known, self._largest), 0.0))

    def draw(
        self, generator: np.random.Generator, nb_batches: int, batch_size: int
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Draws in proportion to priority, each batch stratified over the sum of priorities.

        Returns:
            Places and importance weights, both (nb_batches, batch_size); empty if no entry is
            drawable.
        """
        total = self.total
        if total == 0.0:
            nothing = np.empty((nb_batches, 0))
            return nothing.astype(np.int64), nothing.astype(np.float32)
        strata = np.arange(batch_size) + generator.random((nb_batches, batch_size))
        places = self.find(strata.ravel() * (total / batch_size)).reshape(strata.shape)
        chances = self.weights[places].astype(np.float64)  # P(i) times the total
        # (N P(i)) ** -beta, divided by the largest: common factors cancel.
        weights = (chances.min(axis=1, keepdims=True) / chances) ** self.beta
        return places, weights.astype(np.float32)

    def update(self, places: NDArray[np.int64], errors: NDArray[np.floating]) -> None:
        """Sets priorities from ``errors``, of any shape; the last one for a place counts."""
        priorities = np.abs(errors.astype(np.float64)) + self._settings.epsilon
        # A priority of 0 would make the entry undrawable.
        kept = np.maximum(priorities**self._settings.alpha, np.finfo(np.float32).tiny)
        self.set(places.ravel(), kept.ravel().astype(np.float32))
        self._largest = max(self._largest, float(kept.max()))

    def get_state(self) -> dict[str, Any]:
        """Returns the full state, as plain types and arrays."""
        return {"weights": self.weights, "largest": self._largest, "step": self.step}

    def set_state(self, state: dict[str, Any]) -> None:
        """Restores the state returned by ``get_state``."""
        self.set_all(state["weights"])
        self._largest, self.step = state["largest"], state["step"]
