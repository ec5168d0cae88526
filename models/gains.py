"""Layer: a learned gain per input, trained at a higher effective rate than the weights behind it.

Of the console's 128 bytes most that change do not matter: counters, noise, the patterns of shields.
A gain reaches all weights of an input at once, so that the network can turn down what only disturbs
and turn up what it needs to tell small distances apart.
"""

from __future__ import annotations

from typing import Any, Final

import keras
from keras import layers, ops

RATE: Final = 10.0  # an optimizer's step of 0.001 changes a gain by 1 %


@keras.saving.register_keras_serializable(package="atari_runner")
class Gains(layers.Layer):  # type: ignore[misc]
    """(B, n) inputs, each times exp(``RATE`` g) with its own learned g, 0 at the start."""

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Makes the weights."""
        self.log_gain = self.add_weight(
            shape=(input_shape[-1],), initializer="zeros", name="log_gain"
        )

    def call(self, inputs: Any) -> Any:
        """Maps (B, n) to (B, n) of the layer's dtype."""
        return inputs * ops.cast(ops.exp(RATE * self.log_gain), self.compute_dtype)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Returns (B, n)."""
        return input_shape
