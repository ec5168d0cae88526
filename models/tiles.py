"""Bytes, and differences of two, as tiles: which of 32 overlapping stretches they lie in.

A dense network sees a position as one number, and needs many weights to act at one place and not at
the next. As tiles each place has weights of its own, and a difference of two positions says where
one thing is as seen from another.

Source: coarse coding, Sutton and Barto 2018, section 9.5.3, http://incompleteideas.net/book/RLbook2020.pdf.
Difference: a tile counts by how near its middle is, in a straight line, not as 0 or 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import keras
from keras import layers, ops

from models.places import RING, Place, around_zero, values

WIDTH: Final = 8  # from the middle of a tile to the next: a sprite is as wide
TILES: Final = int(RING) // WIDTH


@keras.saving.register_keras_serializable(package="atari_runner")
class Tiles(layers.Layer):  # type: ignore[misc]
    """1 - distance / ``WIDTH``, not below 0, from the middle of each of 32 tiles on a ring of 256.

    Args:
        places: What is tiled (see ``models.places``).
    """

    def __init__(self, places: Sequence[Place], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.places = [(i, less, more) for i, less, more in places]

    def call(self, inputs: Any) -> Any:
        """Maps (B, n) uint8 to (B, places * 32) of the layer's dtype."""
        middles = ops.arange(0.0, RING, WIDTH, dtype="float32")
        distances = around_zero(ops.expand_dims(values(inputs, self.places), -1) - middles)
        tiles = ops.relu(1.0 - ops.abs(distances) / WIDTH)
        return ops.cast(ops.reshape(tiles, (-1, len(self.places) * TILES)), self.compute_dtype)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Returns (B, places * 32)."""
        return (input_shape[0], len(self.places) * TILES)

    def get_config(self) -> dict[str, Any]:
        """Returns what rebuilds the layer."""
        return {**super().get_config(), "places": self.places}
