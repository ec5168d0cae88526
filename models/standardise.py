"""Bytes on a common scale: less their mean, over their standard deviation.

Of the console's 128 bytes most never change, and weigh as much as those that do: in Pong 28 change
in random play. Standardised, what does not change is 0.
"""

from __future__ import annotations

from typing import Any, Final

import keras
import numpy as np
from keras import layers, ops
from numpy.typing import NDArray

LEAST_STD: Final = 16.0  # a byte that hardly changes is not blown up
GREATEST: Final = 5.0  # standard deviations; one that changes later than it was measured is cut


@keras.saving.register_keras_serializable(package="atari_runner")
class Standardise(layers.Layer):  # type: ignore[misc]
    """(..., n) bytes, each less its mean over its standard deviation, cut at +-``GREATEST``.

    Mean and standard deviation are weights, which ``adapt`` sets and no gradient changes; before
    that they are those of evenly spread bytes.
    """

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Makes the weights."""
        n = input_shape[-1]
        constant = keras.initializers.Constant
        self.mean = self.add_weight(
            shape=(n,), initializer=constant(127.5), trainable=False, name="mean"
        )
        self.std = self.add_weight(
            shape=(n,), initializer=constant(73.9), trainable=False, name="std"
        )
        self.adapted = self.add_weight(
            shape=(), initializer="zeros", trainable=False, name="adapted"
        )

    @property
    def is_adapted(self) -> bool:
        """Whether mean and standard deviation were taken of observations, now or when saved."""
        return bool(self.adapted > 0)

    def adapt(self, observations: NDArray[np.uint8]) -> None:
        """Takes mean and standard deviation of ``observations`` (..., n)."""
        rows = observations.reshape(-1, observations.shape[-1]).astype(np.float64)
        self.mean.assign(rows.mean(axis=0))
        self.std.assign(np.maximum(rows.std(axis=0), LEAST_STD))
        self.adapted.assign(1.0)

    def call(self, inputs: Any) -> Any:
        """Maps (..., n) to (..., n) of the layer's dtype."""
        x = (ops.cast(inputs, self.variable_dtype) - self.mean) / self.std
        return ops.cast(ops.clip(x, -GREATEST, GREATEST), self.compute_dtype)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Returns (..., n)."""
        return input_shape


def standardising(model: keras.Model) -> list[Standardise]:
    """The layers of ``model`` that standardise."""
    return [layer for layer in model.layers if isinstance(layer, Standardise)]
