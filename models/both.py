"""Q-network on screen and RAM: a convolutional and an encoder branch, concatenated.

An observation is one vector: the RAM bytes, then the screen, row by row.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import layers

from models.conv import convolved
from models.dense import encoded
from models.hidden import dense_tail
from models.inputs import Encoder, Reading
from models.ram import RAM_BYTES, Ram


def both_network(
    input_shape: Sequence[int],
    nb_actions: int,
    *,
    screen_shape: Sequence[int],
    inputs: Sequence[Encoder],
    hidden: Sequence[int],
    activation: str,
    ram: Ram,
    dtype: str = "float32",
    dense_initializer: str = "glorot_uniform",
    layer_norm: bool = False,
    gains: bool = False,
    **convolutions: Any,
) -> keras.Model:
    """Builds the network.

    Args:
        input_shape: (window, 128 + pixels) of uint8.
        nb_actions: Number of Q-values.
        screen_shape: (height, width) or (height, width, channels) of the pixels.
        inputs: Encoders of the RAM (see ``models.inputs``).
        hidden: Units of each dense layer after the two branches.
        activation: Keras name of the hidden activations.
        ram: Description of the RAM bytes.
        dtype: Keras dtype policy of all layers but the output, which is always float32.
        dense_initializer: Kernel initializer of the dense layers, including the output.
        layer_norm: Normalise every hidden layer before its activation.
        gains: Multiply each non-sparse RAM input by a learned gain.
        **convolutions: Arguments of ``models.conv.convolved``.

    Returns:
        A model (B, *input_shape) uint8 -> (B, nb_actions) float32.
    """
    window = keras.Input(tuple(input_shape), dtype="uint8", name="ram_and_screens")
    screens = layers.Reshape((input_shape[0], *screen_shape), dtype="uint8")(
        window[:, :, RAM_BYTES:]
    )
    seen = convolved(
        screens, activation=activation, dtype=dtype, layer_norm=layer_norm, **convolutions
    )
    read = encoded(window[:, :, :RAM_BYTES], inputs, Reading(ram, dtype), gains=gains)
    q_values = dense_tail(
        [seen, *read], hidden, nb_actions,
        activation=activation, layer_norm=layer_norm, dtype=dtype, initializer=dense_initializer,
    )  # fmt: skip
    return keras.Model(window, q_values, name="both")
