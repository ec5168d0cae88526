"""Dense Q-network on a window of observations, usually the console's 128 bytes of RAM.

Default sizes in ``conf/model/dense.yaml``: 3 x 128 = 384 inputs, 512, 128, one output per action.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras

from models.gains import Gains
from models.hidden import dense_tail, joined
from models.inputs import Encoder, Reading
from models.ram import Ram


def dense_network(
    input_shape: Sequence[int],
    nb_actions: int,
    *,
    inputs: Sequence[Encoder],
    hidden: Sequence[int],
    activation: str,
    ram: Ram | None = None,
    dtype: str = "float32",
    dense_initializer: str = "glorot_uniform",
    layer_norm: bool = False,
    gains: bool = False,
) -> keras.Model:
    """Builds the network.

    Args:
        input_shape: Shape of one window of uint8 observations, such as (window, 128).
        nb_actions: Number of Q-values.
        inputs: Encoders of the window, concatenated (see ``models.inputs``).
        hidden: Units of each hidden layer.
        activation: Keras name of the hidden activations.
        ram: Description of an observation's bytes; None: observations are screens.
        dtype: Keras dtype policy of all layers but the output, which is always float32.
        dense_initializer: Kernel initializer of the dense layers (see ``models.initializers``).
        layer_norm: Normalise every hidden layer before its activation.
        gains: Multiply each non-sparse input by a learned gain.

    Returns:
        A model (B, *input_shape) uint8 -> (B, nb_actions) float32.
    """
    window = keras.Input(tuple(input_shape), dtype="uint8", name="bytes")
    x = encoded(window, inputs, Reading(ram, dtype), gains=gains)
    q_values = dense_tail(
        x, hidden, nb_actions,
        activation=activation, layer_norm=layer_norm, dtype=dtype, initializer=dense_initializer,
    )  # fmt: skip
    return keras.Model(window, q_values, name="dense")


def encoded(window: Any, inputs: Sequence[Encoder], reading: Reading, *, gains: bool) -> list[Any]:
    """The encoded inputs of the first layer; sparse encoders form a separate part.

    Args:
        window: Keras tensor (B, window, *observation) uint8.
        inputs: The encoders.
        reading: Shared arguments of the encoders.
        gains: Multiply each non-sparse input by a learned gain.

    Returns:
        One or two Keras tensors (B, features).
    """
    parts: dict[bool, list[Any]] = {False: [], True: []}
    for encoder in inputs:
        parts[encoder.sparse].append(encoder.build(window, reading))
    dense, sparse = parts[False], parts[True]
    if gains and dense:
        dense = [Gains(dtype=reading.dtype)(joined(dense, reading.dtype))]
    return [joined(side, reading.dtype) for side in (dense, sparse) if side]
