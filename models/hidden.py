"""Hidden layers with optional layer normalisation, and the output layer.

Source of the normalisation: Ba et al. 2016, "Layer Normalization",
https://arxiv.org/abs/1607.06450.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from keras import initializers, layers

from models.initializers import initializer as initializer_of


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
        *sizes: Positional arguments of ``kind``.
        activation: Keras name.
        layer_norm: Normalise over the last axis, before the activation.
        dtype: Keras dtype policy.
        **arguments: Keyword arguments of ``kind``.
    """
    if not layer_norm:
        return kind(*sizes, activation=activation, dtype=dtype, **arguments)(x)
    x = kind(*sizes, dtype=dtype, **arguments)(x)
    x = layers.LayerNormalization(dtype=dtype)(x)
    return layers.Activation(activation, dtype=dtype)(x)


def summed_dense(units: int, *, kernel_initializer: Any, activation: Any = None, **own: Any) -> Any:
    """A dense layer on several concatenated inputs, computed as the sum of their products.

    Inputs that need no gradient, such as tiles, then cost none.
    """
    first = initializers.get(kernel_initializer)

    def call(parts: Sequence[Any]) -> Any:
        products = [
            layers.Dense(units, use_bias=k == 0, kernel_initializer=first.clone(), **own)(part)
            for k, part in enumerate(parts)
        ]
        x = layers.Add(**own)(products)
        return x if activation is None else layers.Activation(activation, **own)(x)

    return call


def joined(parts: Sequence[Any], dtype: str) -> Any:
    """(B, features): all ``parts``, concatenated."""
    return layers.Concatenate(dtype=dtype)(parts) if len(parts) > 1 else parts[0]


def dense_tail(
    x: list[Any],
    hidden: Sequence[int],
    nb_actions: int,
    *,
    activation: str,
    layer_norm: bool,
    dtype: str,
    initializer: str,
) -> Any:
    """Applies the dense hidden layers and the output layer, the tail of every network here.

    Args:
        x: One or more (B, features), concatenated.
        hidden: Units of each hidden layer.
        nb_actions: Number of Q-values.
        activation: Keras name of the hidden activations.
        layer_norm: Normalise every hidden layer before its activation.
        dtype: Keras dtype policy of the hidden layers.
        initializer: Initializer of all kernels (see ``models.initializers``).

    Returns:
        (B, nb_actions) float32.
    """
    x = x if hidden and len(x) > 1 else joined(x, dtype)
    for units in hidden:
        x = hidden_layer(
            summed_dense if isinstance(x, list) else layers.Dense, x, units,
            activation=activation, layer_norm=layer_norm, dtype=dtype,
            kernel_initializer=initializer_of(initializer),
        )  # fmt: skip
    return layers.Dense(
        nb_actions, kernel_initializer=initializer_of(initializer), dtype="float32", name="q_values"
    )(x)
