"""Stateless random numbers in compiled functions, a function of seed and update count.

No generator has a state to be saved: what is drawn at update (or step) n is the same whenever,
and however often, n comes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from models.heads import FractionEmbedding
from models.noisy import NoisyDense


def has_noise(model: keras.Model) -> bool:
    """True if layers of ``model`` are noisy."""
    return any(isinstance(layer, NoisyDense) for layer in model.layers)


def draws_fractions(model: keras.Model) -> bool:
    """True if ``model`` gives quantiles at fractions that are drawn."""
    return any(isinstance(layer, FractionEmbedding) for layer in model.layers)


class StatelessDraws:
    """The draws (``models.draws``) of one call of a network.

    Args:
        key: What the draws are for: the run's seed, and numbers that no other call shares.
        number: () int32, of the update or the step.
        per_row: Every row of the batch its own noise, or one for all.
    """

    def __init__(self, key: Sequence[int], number: Any, *, per_row: bool) -> None:
        self.per_row = per_row
        self.fractions: Any = None
        self._key, self._number = tuple(key), number
        self._draws = 0

    def normal(self, shape: Sequence[Any]) -> Any:
        """Standard normal float32."""
        return tf.random.stateless_normal(shape, self._seed())

    def uniform(self, shape: Sequence[Any]) -> Any:
        """Float32 in [0, 1)."""
        return tf.random.stateless_uniform(shape, self._seed())

    def _seed(self) -> Any:
        """(2,) int32, another at every call."""
        word = np.random.SeedSequence([*self._key, self._draws]).generate_state(1)
        self._draws += 1
        return tf.stack([self._number, tf.constant(int(word.view(np.int32)[0]), tf.int32)])
