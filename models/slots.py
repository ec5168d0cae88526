"""One small network for all things of a kind: the lanes of fish, the cars of a road.

A dense network learns what a fish means in each lane anew, and a lane that is seldom seen hardly at
all. The small network reads lane after lane with the same weights: what is learned in one counts in
all. What it says goes on in three ways: the greatest of each of its outputs over the lanes and the
mean, which do not tell which lane it is, and lane by lane.

Source: Zaheer et al. 2017, "Deep Sets", https://arxiv.org/abs/1703.06114. Difference: what is said
of each thing goes on besides, since places in the RAM keep their meaning.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import keras
from keras import layers, ops

from models.bits import Bits
from models.differences import GREATEST
from models.hidden import dense_layers
from models.places import Place, around_zero, values
from models.tiles import TILES, Tiles


class Slot(NamedTuple):
    """What is read of one thing; of the others as much, in the same order."""

    numbers: Sequence[Place]  # values, and how they changed
    bits: Sequence[int]  # bytes, as their bits
    tiles: Sequence[Place]


@keras.saving.register_keras_serializable(package="atari_runner")
class Numbers(layers.Layer):  # type: ignore[misc]
    """Places (see ``models.places``) as they are, and how they changed.

    Now: over 64, a byte less 128, a difference around 0. Changes: as those of ``Differences``.
    """

    def __init__(self, places: Sequence[Place], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.places = [(i, less, more) for i, less, more in places]

    def call(self, inputs: Any) -> Any:
        """Maps (B, window, n) uint8 to (B, window, places): now, then the changes in order."""
        x = values(inputs, self.places)
        middles = ops.array([128.0 if less is None else 0.0 for _, less, _ in self.places])
        now = around_zero(x[:, -1:] - middles) / 64.0
        changes = around_zero(x[:, 1:] - x[:, :-1]) / GREATEST
        numbers = ops.concatenate([now, ops.clip(changes, -1.0, 1.0)], axis=1)
        return ops.cast(numbers, self.compute_dtype)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Returns (B, window, places)."""
        return (*input_shape[:-1], len(self.places))

    def get_config(self) -> dict[str, Any]:
        """Returns what rebuilds the layer."""
        return {**super().get_config(), "places": self.places}


def slot_features(
    inputs: Any,
    slots: Sequence[Slot],
    hidden: Sequence[int],
    *,
    dtype: str,
    **arguments: Any,
) -> Any:
    """Applies the small network to each slot.

    Args:
        inputs: (B, window, n) uint8.
        slots: At least one; all with as many numbers, bits and tiles.
        hidden: Units of each of its layers.
        dtype: Keras dtype policy.
        **arguments: Of ``dense_layers``.

    Returns:
        (B, (2 + slots) * hidden[-1]): the greatest, the mean, and each.
    """
    window, count, first = inputs.shape[1], len(slots), slots[0]
    newest = inputs[:, -1]
    parts = []
    if first.numbers:
        n = len(first.numbers)
        numbers = Numbers([place for slot in slots for place in slot.numbers], dtype=dtype)(inputs)
        by_slot = layers.Permute((2, 1, 3))(layers.Reshape((window, count, n))(numbers))
        parts.append(layers.Reshape((count, window * n))(by_slot))
    if first.bits:
        chosen = ops.take(newest, ops.array([i for slot in slots for i in slot.bits]), axis=-1)
        bits = Bits(dtype=dtype)(chosen)
        parts.append(layers.Reshape((count, 8 * len(first.bits)))(bits))
    if first.tiles:
        tiles = Tiles([place for slot in slots for place in slot.tiles], dtype=dtype)(newest)
        parts.append(layers.Reshape((count, len(first.tiles) * TILES))(tiles))
    x = layers.Concatenate(dtype=dtype)(parts) if len(parts) > 1 else parts[0]
    x = dense_layers(x, hidden, dtype=dtype, **arguments)
    greatest = layers.GlobalMaxPooling1D(dtype=dtype)(x)
    mean = layers.GlobalAveragePooling1D(dtype=dtype)(x)
    return layers.Concatenate(dtype=dtype)([greatest, mean, layers.Flatten(dtype=dtype)(x)])
