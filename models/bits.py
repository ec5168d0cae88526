"""Layers: single bits of bytes, as 0 or 1.

A code is not a number (``models.codes``), and a dense network must take numbers apart to read it.
"""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import layers, ops

from models.adapting import Adapting
from models.codes import COUNT, Bit, find_code_bits
from models.seen import Seen


@keras.saving.register_keras_serializable(package="atari_runner")
class Bits(layers.Layer):  # type: ignore[misc]
    """The 8 bits of each byte as 0 or 1, most significant first (as ``numpy.unpackbits``)."""

    def call(self, inputs: Any) -> Any:
        """Maps (..., n) uint8 to (..., 8 * n) of the layer's dtype."""
        places = ops.cast(ops.arange(7, -1, -1), "uint8")
        shifted = ops.right_shift(ops.expand_dims(inputs, -1), places)
        bits = ops.bitwise_and(shifted, ops.ones_like(places))
        shape = (-1, *inputs.shape[1:-1], 8 * inputs.shape[-1])
        return ops.cast(ops.reshape(bits, shape), self.compute_dtype)


@keras.saving.register_keras_serializable(package="atari_runner")
class FoundBits(Adapting):
    """The bits found by ``find_code_bits`` as 0 or 1; 0 if not found, and until it adapts."""

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Creates the weight: a code for each bit, -1 if there is none."""
        # Floats: soft updates of the target network average weights; the means are rounded below.
        self.bits = self.constant("bits", (COUNT,), -1.0)
        super().build(input_shape)

    @property
    def found(self) -> list[Bit]:
        """The bits found."""
        codes = [int(code) for code in np.rint(np.asarray(self.bits)) if code >= 0]
        return [Bit(*divmod(code, 8)) for code in codes]

    def learn_from(self, seen: Seen) -> None:
        """Finds the bits of codes of the observations."""
        found = find_code_bits(seen, COUNT)
        codes = [8 * byte + bit for byte, bit in found]
        self.bits.assign([*codes, *[-1.0] * (COUNT - len(codes))])

    def call(self, inputs: Any) -> Any:
        """Maps (..., n) uint8 to (..., COUNT) of the layer's dtype."""
        code = ops.cast(ops.round(self.bits), "int32")
        taken = ops.cast(ops.take(inputs, ops.maximum(code, 0) // 8, axis=-1), "int32")
        bits = ops.right_shift(taken, ops.maximum(code, 0) % 8) % 2
        return ops.cast(ops.where(code >= 0, bits, 0), self.compute_dtype)
