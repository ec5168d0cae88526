"""Layer: changes of each RAM byte between consecutive observations of the window.

Motion by one pixel changes a byte by 1 in 255: too little to stand out next to the byte itself.
"""

from __future__ import annotations

from typing import Any, Final

import keras
from keras import layers, ops

from models.tiles import around_zero

GREATEST: Final = 8.0  # changes of this size or more map to 1


@keras.saving.register_keras_serializable(package="atari_runner")
class Changes(layers.Layer):  # type: ignore[misc]
    """Changes (B, window, n) -> (B, window - 1, n), divided by ``GREATEST`` and clipped to +-1.

    Bytes wrap around at 256: from 255 to 1 is a change of 2.
    """

    def call(self, inputs: Any) -> Any:
        """Maps (B, window, n) uint8 to (B, window - 1, n) of the layer's dtype."""
        x = ops.cast(inputs, "float32")
        changes = around_zero(x[:, 1:] - x[:, :-1])
        return ops.cast(ops.clip(changes / GREATEST, -1.0, 1.0), self.compute_dtype)
