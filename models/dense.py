"""Dense Q-network on a window of RAM: the console's 128 bytes, flattened.

Default sizes in ``conf/model/dense.yaml``: 3 x 128 = 384 inputs, 512, 128, one output per action.
"""

from __future__ import annotations

from collections.abc import Sequence

import keras
from keras import layers, ops

from models.bits import Bits
from models.differences import Differences
from models.gains import Gains
from models.hidden import dense_tail
from models.places import Place
from models.slots import Slot, slot_features
from models.standardise import Standardise
from models.tiles import Tiles


def dense_network(
    input_shape: Sequence[int],
    nb_actions: int,
    *,
    hidden: Sequence[int],
    activation: str,
    scale: float,
    bits: str = "none",
    bits_of: Sequence[int] | None = None,
    tiles: Sequence[Place] = (),
    slots: Sequence[Slot] = (),
    slot_hidden: Sequence[int] = (),
    dtype: str = "float32",
    dense_initializer: str = "glorot_uniform",
    layer_norm: bool = False,
    standardise: bool = False,
    differences: bool = False,
    gains: bool = False,
) -> keras.Model:
    """Builds the network.

    Args:
        input_shape: Shape of one window of uint8 observations, such as (window, 128).
        nb_actions: Number of Q-values.
        hidden: Units of each hidden layer.
        activation: Keras name of the hidden activations.
        scale: Factor applied to the bytes, such as 1/255.
        bits: ``none``; ``add``: each byte's 8 bits are inputs besides; ``only``: in its place.
        bits_of: The bytes whose bits they are; None: all.
        tiles: Places in the newest observation that are inputs besides, as tiles (see
            ``models.tiles``).
        slots: Like things of the game, which one small network reads one by one; what it says of
            them is input besides (see ``models.slots``).
        slot_hidden: Units of each layer of the small network.
        dtype: Keras dtype policy of all layers but the output, which is always float32.
        dense_initializer: Of the dense layers' kernels (see ``models.initializers``).
        layer_norm: Normalise every hidden layer before its activation.
        standardise: Each byte less its mean, over its standard deviation, in place of ``scale``.
        differences: Of the window the newest observation, and the changes between two, instead of
            all observations.
        gains: Each input times a gain that is learned.

    Returns:
        A model (B, *input_shape) uint8 -> (B, nb_actions) float32.
    """
    inputs = keras.Input(tuple(input_shape), dtype="uint8", name="bytes")
    parts = []
    if bits != "only":
        scaled = Standardise(dtype=dtype) if standardise else layers.Rescaling(scale, dtype=dtype)
        if differences:
            newest = scaled(inputs[:, -1:])
            changes = Differences(dtype=dtype)(inputs)
            parts.append(layers.Concatenate(axis=1, dtype=dtype)([newest, changes]))
        else:
            parts.append(scaled(inputs))
    if bits != "none":
        chosen = inputs if bits_of is None else ops.take(inputs, ops.array(bits_of), axis=-1)
        parts.append(Bits(dtype=dtype)(chosen))
    x = layers.Concatenate(dtype=dtype)(parts) if len(parts) > 1 else parts[0]
    x = layers.Flatten(dtype=dtype)(x)
    if tiles:
        x = layers.Concatenate(dtype=dtype)([x, Tiles(tiles, dtype=dtype)(inputs[:, -1])])
    if slots:
        said = slot_features(
            inputs, slots, slot_hidden,
            activation=activation, layer_norm=layer_norm, dtype=dtype,
            initializer=dense_initializer,
        )  # fmt: skip
        x = layers.Concatenate(dtype=dtype)([x, said])
    if gains:
        x = Gains(dtype=dtype)(x)
    q_values = dense_tail(
        x, hidden, nb_actions,
        activation=activation, layer_norm=layer_norm, dtype=dtype, initializer=dense_initializer,
    )  # fmt: skip
    return keras.Model(inputs, q_values, name="dense")
