"""Layer: a learned gain per input, with a higher effective learning rate than the weights after it.

Most of the console's 128 bytes that change are irrelevant: counters, noise, shield patterns. A gain
scales all weights of an input together, so that the network can attenuate distracting inputs and
amplify inputs in which small distances matter.
"""

from __future__ import annotations

from typing import Any, Final

import keras
from keras import layers, ops

RATE: Final = 10.0  # an optimizer step of 0.001 changes a gain by 1 %


@keras.saving.register_keras_serializable(package="atari_runner")
class Gains(layers.Layer):  # type: ignore[misc]
    """Multiplies each of (B, n) inputs by exp(``RATE`` g); g is learned per input, 0 at first."""

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Creates the weights."""
        self.log_gain = self.add_weight(
            shape=(input_shape[-1],), initializer="zeros", name="log_gain"
        )

    def call(self, inputs: Any) -> Any:
        """Maps (B, n) to (B, n) of the layer's dtype."""
        return inputs * ops.cast(ops.exp(RATE * self.log_gain), self.compute_dtype)
