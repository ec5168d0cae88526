"""Layer: the eight bits of each byte, as 0 or 1."""

from __future__ import annotations

from typing import Any

import keras
from keras import layers, ops


@keras.saving.register_keras_serializable(package="atari_runner")
class Bits(layers.Layer):  # type: ignore[misc]
    """The 8 bits of each byte as 0 or 1, most significant first (as ``numpy.unpackbits``)."""

    def call(self, inputs: Any) -> Any:
        """Maps (..., n) uint8 to (..., 8 * n) of the layer's dtype."""
        places = ops.cast(ops.arange(7, -1, -1), "uint8")
        shifted = ops.right_shift(ops.expand_dims(inputs, -1), places)
        bits = ops.bitwise_and(shifted, ops.ones_like(places))
        shape = (-1, *self.compute_output_shape(inputs.shape)[1:])
        return ops.cast(ops.reshape(bits, shape), self.compute_dtype)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Returns (..., 8 * n)."""
        assert input_shape[-1] is not None
        return (*input_shape[:-1], 8 * input_shape[-1])
