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

from keras import layers, ops

from models.bits import Bits
from models.differences import Differences
from models.hidden import hidden_layer
from models.initializers import initializer as initializer_of
from models.tiles import TILES, Place, Tiles


class Slot(NamedTuple):
    """What is read of one thing; of the others as much, in the same order."""

    bytes: Sequence[int]  # of each its value, its bits and its changes
    tiles: Sequence[Place]


def slot_features(
    inputs: Any,
    slots: Sequence[Slot],
    hidden: Sequence[int],
    *,
    activation: str,
    layer_norm: bool,
    dtype: str,
    initializer: str,
) -> Any:
    """Applies the small network to each slot.

    Args:
        inputs: (B, window, n) uint8.
        slots: At least one; all with as many bytes and tiles.
        hidden: Units of each of its layers.
        activation: Keras name.
        layer_norm: Normalise every layer before its activation.
        dtype: Keras dtype policy.
        initializer: Of all kernels (see ``models.initializers``).

    Returns:
        (B, (2 + slots) * hidden[-1]): the greatest, the mean, and each.
    """
    window, count = inputs.shape[1], len(slots)
    parts = []
    if slots[0].bytes:
        n = len(slots[0].bytes)
        chosen = ops.take(inputs, ops.array([i for slot in slots for i in slot.bytes]), axis=-1)
        newest = layers.Reshape((count, n))(chosen[:, -1])
        parts.append(layers.Rescaling(1.0 / 64.0, offset=-2.0, dtype=dtype)(newest))
        parts.append(Bits(dtype=dtype)(newest))
        if window > 1:
            changes = layers.Reshape((window - 1, count, n))(Differences(dtype=dtype)(chosen))
            by_slot = layers.Permute((2, 1, 3))(changes)
            parts.append(layers.Reshape((count, (window - 1) * n))(by_slot))
    if slots[0].tiles:
        tiles = Tiles([place for slot in slots for place in slot.tiles], dtype=dtype)
        parts.append(layers.Reshape((count, len(slots[0].tiles) * TILES))(tiles(inputs[:, -1])))
    x = layers.Concatenate(dtype=dtype)(parts) if len(parts) > 1 else parts[0]
    for units in hidden:
        x = hidden_layer(
            layers.Dense, x, units,
            activation=activation, layer_norm=layer_norm, dtype=dtype,
            kernel_initializer=initializer_of(initializer),
        )  # fmt: skip
    greatest = layers.GlobalMaxPooling1D(dtype=dtype)(x)
    mean = layers.GlobalAveragePooling1D(dtype=dtype)(x)
    return layers.Concatenate(dtype=dtype)([greatest, mean, layers.Flatten(dtype=dtype)(x)])
