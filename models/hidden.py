"""One hidden layer, with or without normalisation before its activation.

Source of the normalisation: Ba et al. 2016, "Layer Normalization",
https://arxiv.org/abs/1607.06450.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from keras import layers


def hidden_layer(
    kind: Callable[..., layers.Layer],
    x: Any,
    *sizes: Any,
    activation: str,
    layer_norm: bool,
    dtype: str,
    **arguments: Any,
) -> Any:
    """Applies one hidden layer to ``x``.

    Args:
        kind: The layer's class, such as ``layers.Dense``.
        x: (B, ..., features).
        *sizes: What ``kind`` takes first.
        activation: Keras name.
        layer_norm: Normalise over the last axis, before the activation.
        dtype: Keras dtype policy.
        **arguments: What else ``kind`` takes.
    """
    if not layer_norm:
        return kind(*sizes, activation=activation, dtype=dtype, **arguments)(x)
    x = kind(*sizes, dtype=dtype, **arguments)(x)
    x = layers.LayerNormalization(dtype=dtype)(x)
    return layers.Activation(activation, dtype=dtype)(x)
