"""Convolutional Q-network on a window of screens.

Default sizes in ``conf/model/nature.yaml`` are those of Mnih et al. 2015, "Human-level control
through deep reinforcement learning", https://doi.org/10.1038/nature14236 (Methods, "Model
architecture"): 32 8x8/4, 64 4x4/2, 64 3x3/1, dense 512.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import keras
from keras import layers, ops

from models.hidden import dense_tail, hidden_layer
from models.initializers import initializer


def conv_network(
    input_shape: Sequence[int],
    nb_actions: int,
    *,
    hidden: Sequence[int],
    activation: str,
    dtype: str = "float32",
    dense_initializer: str = "glorot_uniform",
    layer_norm: bool = False,
    **convolutions: Any,
) -> keras.Model:
    """Builds the network.

    Args:
        input_shape: (window, height, width) of uint8 grey screens, or (window, height, width,
            channels).
        nb_actions: Number of Q-values.
        hidden: Units of each dense layer after the convolutions.
        activation: Keras name of the hidden activations.
        dtype: Keras dtype policy of all layers but the output, which is always float32.
        dense_initializer: Kernel initializer of the dense layers, including the output.
        layer_norm: Normalise every hidden layer before its activation.
        **convolutions: Arguments of ``convolved``.

    Returns:
        A model (B, *input_shape) uint8 -> (B, nb_actions) float32.
    """
    inputs = keras.Input(tuple(input_shape), dtype="uint8", name="screens")
    x = convolved(inputs, activation=activation, dtype=dtype, layer_norm=layer_norm, **convolutions)
    q_values = dense_tail(
        [x], hidden, nb_actions,
        activation=activation, layer_norm=layer_norm, dtype=dtype, initializer=dense_initializer,
    )  # fmt: skip
    return keras.Model(inputs, q_values, name="conv")


def convolved(
    screens: Any,
    *,
    filters: Sequence[int],
    kernels: Sequence[int],
    strides: Sequence[int],
    activation: str,
    scale: float,
    dtype: str,
    layer_norm: bool,
    conv_bias: bool = True,
    conv_norm: bool = True,
    conv_initializer: str = "glorot_uniform",
    per_frame: bool = False,
) -> Any:
    """Applies the convolutions.

    Args:
        screens: Keras tensor (B, window, height, width) or (B, window, height, width, channels)
            uint8.
        filters: Filters of each convolution; ``kernels`` (pixels) and ``strides`` (pixels) have
            the same length.
        kernels: Side of each square kernel.
        strides: Stride of each convolution.
        activation: Keras name of the hidden activations.
        scale: Factor applied to the bytes, such as 1/255.
        dtype: Keras dtype policy.
        layer_norm: Normalise every convolution before its activation, if ``conv_norm`` is true too.
        conv_bias: Whether the convolutions have biases.
        conv_norm: See ``layer_norm``.
        conv_initializer: Kernel initializer of the convolutions (see ``models.initializers``).
        per_frame: Apply the convolutions to each frame of the window separately, with shared
            weights; otherwise the frames are the input channels.

    Returns:
        Keras tensor (B, features).
    """
    window = screens.shape[1]
    x = layers.Rescaling(scale, dtype=dtype)(screens)
    x = _frames_as_batch(x) if per_frame else _frames_as_channels(x, dtype)
    for count, kernel, stride in zip(filters, kernels, strides, strict=True):
        x = hidden_layer(
            layers.Conv2D, x, count, kernel, stride,
            activation=activation, layer_norm=layer_norm and conv_norm, dtype=dtype,
            use_bias=conv_bias, kernel_initializer=initializer(conv_initializer),
        )  # fmt: skip
    if per_frame:  # (B * window, h, w, filters) -> (B, window * h * w * filters)
        return ops.reshape(x, (-1, window * math.prod(x.shape[1:])))
    return layers.Flatten(dtype=dtype)(x)


def _frames_as_channels(x: Any, dtype: str) -> Any:
    """(B, window, h, w) or (B, window, h, w, c) -> (B, h, w, window * c)."""
    if len(x.shape) == 4:
        return layers.Permute((2, 3, 1), dtype=dtype)(x)
    _, window, height, width, channels = x.shape
    x = layers.Permute((2, 3, 1, 4), dtype=dtype)(x)
    return layers.Reshape((height, width, window * channels), dtype=dtype)(x)


def _frames_as_batch(x: Any) -> Any:
    """(B, window, h, w) or (B, window, h, w, c) -> (B * window, h, w, c), c = 1 for grey.

    Keras 3's convolutions accept no extra axis, and its TimeDistributed is slower.
    """
    _, _, height, width, *channels = x.shape
    return ops.reshape(x, (-1, height, width, *(channels or [1])))
