"""Builds a network by name. A new architecture needs one more entry here."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Sequence
from typing import Any

import keras

from models.both import both_network
from models.conv import conv_network
from models.dense import dense_network
from models.heads import Head, with_head


def build_model(
    name: str,
    input_shape: Sequence[int],
    nb_actions: int,
    *,
    arguments: dict[str, Any],
    head: Head | None = None,
) -> keras.Model:
    """Builds a Q-network.

    Args:
        name: ``both``, ``conv``, ``dense``, or the user's ``package.module:function``.
        input_shape: (window, *observation) of the uint8 input.
        nb_actions: Number of Q-values.
        arguments: Keyword arguments of the builder function.
        head: Replacement of the last layer; None: keep it.

    Returns:
        A model (B, *input_shape) uint8 -> (B, nb_actions) float32.

    Raises:
        ValueError: The user's function cannot be found, or returns no model of these shapes.
    """
    builder, shape = _builder(name), tuple(input_shape)
    if inspect.isbuiltin(builder):
        raise ValueError(f"{name} is not a Python function of (input_shape, nb_actions)")
    inspect.signature(builder).bind(shape, nb_actions, **arguments)  # checked before the call
    model = as_functional(builder(shape, nb_actions, **arguments))
    if not isinstance(getattr(model, "output", None), keras.KerasTensor):
        kind = "a Sequential or functional keras.Model with one output"
        raise ValueError(f"{name} returned {model}: expected {kind}")
    output = model(keras.KerasTensor((None, *shape), "uint8"))  # refuses another input shape
    if output.shape != (None, nb_actions):
        raise ValueError(
            f"{name} returned a model with output {output.shape}: expected (None, {nb_actions})"
        )
    return model if head is None else with_head(model, head)


def as_functional(model: keras.Model) -> keras.Model:
    """Converts a ``keras.Sequential`` to a functional model, which has an output.

    Raises:
        ValueError: The model has no ``Input`` layer, and hence no shapes yet.
    """
    if not isinstance(model, keras.Sequential):
        return model
    if not model.built:
        raise ValueError("a Sequential model: expected an Input layer as the first layer")
    return keras.Model(model.inputs[0], model.outputs[0], name=model.name)


def _builder(name: str) -> Callable[..., keras.Model]:
    known: dict[str, Callable[..., keras.Model]] = {
        "both": both_network, "conv": conv_network, "dense": dense_network,
    }  # fmt: skip
    if name in known:
        return known[name]
    module, _, function = name.partition(":")
    try:
        builder: Callable[..., keras.Model] = getattr(importlib.import_module(module), function)
    except (ImportError, AttributeError) as error:
        raise ValueError(f"{name} cannot be found: {error}") from error
    return builder
