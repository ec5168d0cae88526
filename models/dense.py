"""Dense Q-network on a window of RAM: the console's 128 bytes, flattened.

Default sizes in ``conf/model/dense.yaml``: 3 x 128 = 384 inputs, 512, 128, one output per action.
"""

from __future__ import annotations

from collections.abc import Sequence

import keras
from keras import layers

from models.hidden import hidden_layer


def dense_network(
    input_shape: Sequence[int],
    nb_actions: int,
    *,
    hidden: Sequence[int],
    activation: str,
    scale: float,
    dtype: str = "float32",
    layer_norm: bool = False,
) -> keras.Model:
    """Builds the network.

    Args:
        input_shape: Shape of one window of uint8 observations, such as (window, 128).
        nb_actions: Number of Q-values.
        hidden: Units of each hidden layer.
        activation: Keras name of the hidden activations.
        scale: Factor applied to the bytes, such as 1/255.
        dtype: Keras dtype policy of all layers but the output, which is always float32.
        layer_norm: Normalise every hidden layer before its activation.

    Returns:
        A model (B, *input_shape) uint8 -> (B, nb_actions) float32.
    """
    inputs = keras.Input(tuple(input_shape), dtype="uint8", name="bytes")
    x = layers.Rescaling(scale, dtype=dtype)(inputs)
    x = layers.Flatten(dtype=dtype)(x)
    for units in hidden:
        x = hidden_layer(
            layers.Dense, x, units, activation=activation, layer_norm=layer_norm, dtype=dtype
        )
    q_values = layers.Dense(nb_actions, dtype="float32", name="q_values")(x)
    return keras.Model(inputs, q_values, name="dense")
