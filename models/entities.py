"""Layers that gather the numbers, bits and tiles of entities of the same type."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import layers, ops

from models.bits import Bits
from models.changes import GREATEST
from models.ram import Place, Ram
from models.tiles import Tiles, around_zero, values


@keras.saving.register_keras_serializable(package="atari_runner")
class Numbers(layers.Layer):  # type: ignore[misc]
    """Current values of places (see ``models.ram.Place``) and their changes.

    Current values are centred, bytes at 128 and differences at 0, and divided by 64. Changes are
    scaled as in ``Changes``.
    """

    def __init__(self, places: Sequence[Place], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.places = [Place(*place) for place in places]

    def call(self, inputs: Any) -> Any:
        """Maps (B, window, n) uint8 to (B, window, places): current values, then the changes."""
        x = values(inputs, self.places)
        middles = ops.array([128.0 if place.less is None else 0.0 for place in self.places])
        now = around_zero(x[:, -1:] - middles) / 64.0
        changes = around_zero(x[:, 1:] - x[:, :-1]) / GREATEST
        numbers = ops.concatenate([now, ops.clip(changes, -1.0, 1.0)], axis=1)
        return ops.cast(numbers, self.compute_dtype)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Returns (B, window, places)."""
        return (*input_shape[:-1], len(self.places))

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments of ``from_config``."""
        return {**super().get_config(), "places": self.places}


def entity_inputs(window: Any, ram: Ram, entities: Sequence[Any], dtype: str) -> Any:
    """The features of each entity.

    Args:
        window: (B, window, n) uint8.
        ram: Description of the n bytes.
        entities: ``models.inputs.entities.Entity``, each with as many numbers, bits and tiles.
        dtype: Keras dtype policy.

    Returns:
        (B, entities, features): current numbers and their changes, bits, tiles.
    """
    frames, count = window.shape[1], len(entities)
    newest = window[:, -1]
    numbers = [ram.place(entry) for entity in entities for entry in entity.numbers]
    bits = [ram.byte(entry) for entity in entities for entry in entity.bits]
    tiles = [ram.place(entry) for entity in entities for entry in entity.tiles]
    parts = []
    if numbers:
        n = len(numbers) // count
        x = layers.Reshape((frames, count, n))(Numbers(numbers, dtype=dtype)(window))
        parts.append(layers.Reshape((count, frames * n))(layers.Permute((2, 1, 3))(x)))
    if bits:
        x = Bits(dtype=dtype)(ops.take(newest, ops.array(bits), axis=-1))
        parts.append(layers.Reshape((count, 8 * len(bits) // count))(x))
    if tiles:
        x = Tiles(tiles, dtype=dtype)(newest)
        parts.append(layers.Reshape((count, x.shape[-1] // count))(x))
    return layers.Concatenate(dtype=dtype)(parts) if len(parts) > 1 else parts[0]
