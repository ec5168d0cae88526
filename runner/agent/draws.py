"""Stateless random numbers in compiled functions, a function of seed and update count.

There is no generator state to save: the draws of update (or step) n are the same whenever and
however often it is evaluated.
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
    """True if ``model`` has noisy layers."""
    return any(isinstance(layer, NoisyDense) for layer in model.layers)


def draws_fractions(model: keras.Model) -> bool:
    """True if ``model`` estimates quantiles at sampled fractions."""
    return any(isinstance(layer, FractionEmbedding) for layer in model.layers)


class StatelessDraws:
    """The draws (``models.draws``) for one call of a network.

    Args:
        key: Seed of the run, and integers unique to this call.
        number: () int32, number of the update or step.
        per_row: Separate noise for every row of the batch, instead of the same for all.
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
        """(2,) int32, different at every call."""
        word = np.random.SeedSequence([*self._key, self._draws]).generate_state(1)
        self._draws += 1
        return tf.stack([self._number, tf.constant(int(word.view(np.int32)[0]), tf.int32)])
