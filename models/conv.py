"""Convolutional Q-network on a window of screens.

Default sizes in ``conf/model/nature.yaml`` are those of Mnih et al. 2015, "Human-level control
through deep reinforcement learning", https://doi.org/10.1038/nature14236 (Methods, "Model
architecture"): 32 8x8/4, 64 4x4/2, 64 3x3/1, dense 512.
"""

from __future__ import annotations

from collections.abc import Sequence

import keras
from keras import layers

from models.hidden import hidden_layer


def conv_network(
    input_shape: Sequence[int],
    nb_actions: int,
    *,
    filters: Sequence[int],
    kernels: Sequence[int],
    strides: Sequence[int],
    hidden: Sequence[int],
    activation: str,
    scale: float,
    dtype: str = "float32",
    layer_norm: bool = False,
) -> keras.Model:
    """Builds the network.

    Args:
        input_shape: (window, height, width) of uint8 grey screens, or (window, height, width,
            channels); the channels of all screens are then those of one.
        nb_actions: Number of Q-values.
        filters: Filters of each convolution; ``kernels`` (pixels) and ``strides`` (pixels) are of
            the same length.
        kernels: Side of each square kernel.
        strides: Stride of each convolution.
        hidden: Units of each dense layer after the convolutions.
        activation: Keras name of the hidden activations.
        scale: Factor applied to the bytes, such as 1/255.
        dtype: Keras dtype policy of all layers but the output, which is always float32.
        layer_norm: Normalise every hidden layer before its activation.

    Returns:
        A model (B, *input_shape) uint8 -> (B, nb_actions) float32.
    """
    window, height, width, *channels = input_shape
    inputs = keras.Input(tuple(input_shape), dtype="uint8", name="screens")
    if channels:
        # (B, window, height, width, C) -> (B, height, width, window * C)
        x = layers.Permute((2, 3, 1, 4), dtype="uint8")(inputs)
        x = layers.Reshape((height, width, window * channels[0]), dtype="uint8")(x)
    else:
        # (B, window, height, width) -> (B, height, width, window)
        x = layers.Permute((2, 3, 1), dtype="uint8")(inputs)
    x = layers.Rescaling(scale, dtype=dtype)(x)
    for count, kernel, stride in zip(filters, kernels, strides, strict=True):
        x = hidden_layer(
            layers.Conv2D, x, count, kernel, stride,
            activation=activation, layer_norm=layer_norm, dtype=dtype,
        )  # fmt: skip
    x = layers.Flatten(dtype=dtype)(x)
    for units in hidden:
        x = hidden_layer(
            layers.Dense, x, units, activation=activation, layer_norm=layer_norm, dtype=dtype
        )
    q_values = layers.Dense(nb_actions, dtype="float32", name="q_values")(x)
    return keras.Model(inputs, q_values, name="conv")
