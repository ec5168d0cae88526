"""Prioritized replay: sampling probabilities and importance weights.

Source: Schaul et al. 2016, https://arxiv.org/abs/1511.05952 (proportional prioritisation, algorithm
1; stratified draws, appendix B.2.1). Deviation: importance weights are divided by the largest of
their own batch.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from runner.memory.sum_tree import SumTree


@dataclass(frozen=True)
class Prioritization:
    """How transitions are prioritised.

    Args:
        alpha: Exponent of the priorities: 0 is uniform, 1 in proportion to the error.
        beta_start: Exponent of the importance weights at first: 0 corrects nothing, 1 all.
        beta_steps: Step at which the exponent, rising linearly, reaches 1.
        epsilon: Added to the absolute errors, so that none is never drawn again.
        first_step: Step at which the memory begins to fill.
    """

    alpha: float
    beta_start: float
    beta_steps: int
    epsilon: float
    first_step: int = 0


class Priorities:
    """Priorities of the entries of a memory; 0: not to be drawn.

    What is kept of an entry is its priority to the power of alpha.

    Args:
        size: Entries.
        settings: How they are prioritised.
    """

    def __init__(self, size: int, settings: Prioritization) -> None:
        self._settings = settings
        self._tree = SumTree(size)
        self._largest = 1.0  # priority ** alpha: the largest so far, and that of new transitions
        self.step = settings.first_step  # steps stored, what came before the memory included

    @property
    def nbytes(self) -> int:
        """Bytes taken."""
        return self._tree.nbytes

    @property
    def weights(self) -> NDArray[np.float32]:
        """(size,): priority ** alpha of every entry, 0 where it may not be drawn. To be read."""
        return self._tree.weights

    @property
    def beta(self) -> float:
        """Exponent of the importance weights now."""
        start = self._settings.beta_start
        return min(1.0, start + (1.0 - start) * self.step / self._settings.beta_steps)

    def add(self, places: NDArray[np.int64], drawable: NDArray[np.bool_]) -> None:
        """Gives the entries at ``places`` (n,) their first priority, where they may be drawn."""
        known = self.weights[places]
        self._tree.set(places, np.where(drawable, np.where(known > 0, known, self._largest), 0.0))

    def draw(
        self, generator: np.random.Generator, nb_batches: int, batch_size: int
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Draws in proportion, each batch spread evenly over the sum of all priorities.

        Returns:
            Places and importance weights, both (nb_batches, batch_size); empty if none can be.
        """
        total = self._tree.total
        if total == 0.0:
            nothing = np.empty((nb_batches, 0))
            return nothing.astype(np.int64), nothing.astype(np.float32)
        strata = np.arange(batch_size) + generator.random((nb_batches, batch_size))
        places = self._tree.find(strata.ravel() * (total / batch_size)).reshape(strata.shape)
        chances = self.weights[places].astype(np.float64)  # P(i), times the total
        # (N P(i)) ** -beta, divided by the largest: what is common to all cancels out.
        weights = (chances.min(axis=1, keepdims=True) / chances) ** self.beta
        return places, weights.astype(np.float32)

    def update(self, places: NDArray[np.int64], errors: NDArray[np.floating]) -> None:
        """Sets priorities after ``errors``, of any shape; the last one of a place counts."""
        priorities = np.abs(errors.astype(np.float64)) + self._settings.epsilon
        # A priority of 0 would mean that the entry may not be drawn.
        kept = np.maximum(priorities**self._settings.alpha, np.finfo(np.float32).tiny)
        self._tree.set(places.ravel(), kept.ravel().astype(np.float32))
        self._largest = max(self._largest, float(kept.max()))

    def get_state(self) -> dict[str, Any]:
        """Returns all there is, of plain types and arrays."""
        return {"weights": self._tree.weights, "largest": self._largest, "step": self.step}

    def set_state(self, state: dict[str, Any]) -> None:
        """Goes back to what ``get_state`` returned."""
        self._tree.set_all(state["weights"])
        self._largest, self.step = state["largest"], state["step"]
