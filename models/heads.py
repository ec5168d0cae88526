"""Network heads: dueling, distributional and noisy output layers.

A head is defined by the aggregation of the value (plain, dueling), by the estimate of the return
(its mean or its distribution), and by whether its layers are noisy. A distributional network ends
in a layer that takes the mean, so that it still outputs one Q-value per action; the input of that
layer is the distribution.

Sources: Wang et al. 2016, https://arxiv.org/abs/1511.06581 (dueling); Bellemare et al. 2017,
https://arxiv.org/abs/1707.06887 (C51); Dabney et al. 2018, https://arxiv.org/abs/1710.10044
(QR-DQN) and https://arxiv.org/abs/1806.06923 (IQN). Deviations: IQN's fraction embedding multiplies
the features of the last shared layer, not those of the convolutions, and acting uses evenly spaced
instead of sampled fractions.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import keras
import numpy as np
from keras import layers, ops
from numpy.typing import NDArray

from models.draws import current
from models.dueling import Dueling
from models.hidden import hidden_layer
from models.noisy import NoisyDense

_COSINES: Final = 64  # size of a fraction's embedding (Dabney et al. 2018b, section 4)


@dataclass(frozen=True)
class Head:
    """Configuration of a network's last layers.

    Args:
        dueling: ``none``; ``avg``, ``max``, ``naive``: one layer of value and advantages, as in
            keras-rl2; ``streams``: a separate hidden layer for each, as in the paper.
        distribution: ``none``, ``c51``, ``qr`` or ``iqn``.
        atoms: Number of atoms, or quantiles, of a distribution.
        v_min: Lowest return of ``c51``.
        v_max: Highest return of ``c51``.
        noisy_sigma: sigma_0 of noisy layers; 0: ordinary layers.
        stream_units: Units of each stream's hidden layer.
        activation: Activation of the streams' hidden layers.
        layer_norm: Normalise the streams' hidden layers before the activation.
    """

    dueling: str = "none"
    distribution: str = "none"
    atoms: int = 51
    v_min: float = -10.0
    v_max: float = 10.0
    noisy_sigma: float = 0.0
    stream_units: int = 0
    activation: str = "relu"
    layer_norm: bool = False


@keras.saving.register_keras_serializable(package="atari_runner")
class CategoricalMean(layers.Layer):  # type: ignore[misc]
    """Mean of a distribution over evenly spaced returns, given by its logits.

    Args:
        atoms: Number of returns, >= 2.
        v_min: Lowest return.
        v_max: Highest return.
    """

    def __init__(self, atoms: int, v_min: float, v_max: float, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.atoms, self.v_min, self.v_max = atoms, v_min, v_max

    @property
    def support(self) -> NDArray[np.float32]:
        """(atoms,): the returns."""
        return np.linspace(self.v_min, self.v_max, self.atoms, dtype=np.float32)

    @property
    def spacing(self) -> float:
        """Distance between adjacent returns."""
        return (self.v_max - self.v_min) / (self.atoms - 1)

    def call(self, inputs: Any) -> Any:
        """Maps logits (B, nb_actions, atoms) to (B, nb_actions)."""
        return ops.sum(ops.softmax(inputs) * self.support, axis=-1)

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments of ``from_config``."""
        own = {"atoms": self.atoms, "v_min": self.v_min, "v_max": self.v_max}
        return {**super().get_config(), **own}


@keras.saving.register_keras_serializable(package="atari_runner")
class QuantileMean(layers.Layer):  # type: ignore[misc]
    """Mean of a distribution given by its quantiles."""

    def call(self, inputs: Any) -> Any:
        """Maps (B, nb_actions, quantiles) to (B, nb_actions)."""
        return ops.mean(inputs, axis=-1)


@keras.saving.register_keras_serializable(package="atari_runner")
class ImplicitQuantileMean(QuantileMean):
    """Mean of quantiles at fractions chosen by the caller (``models.draws``)."""


@keras.saving.register_keras_serializable(package="atari_runner")
class FractionEmbedding(layers.Layer):  # type: ignore[misc]
    """Multiplies features by an embedding of quantile fractions (IQN, equation 4).

    Args:
        fractions: Number of evenly spaced fractions if the caller chooses none.
    """

    def __init__(self, fractions: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.fractions = fractions

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Creates the weights from cosines to features."""
        units = input_shape[-1]
        self.kernel = self.add_weight(shape=(_COSINES, units), name="kernel")
        self.bias = self.add_weight(shape=(units,), initializer="zeros", name="bias")

    def call(self, inputs: Any) -> Any:
        """Maps (B, units) to (B, N, units)."""
        draws = current()
        given = None if draws is None else draws.fractions
        fractions = midpoints(self.fractions)[None] if given is None else given  # (B or 1, N)
        frequencies = np.pi * np.arange(_COSINES, dtype=np.float32)
        cosines = ops.cos(ops.expand_dims(fractions, -1) * frequencies)  # (B or 1, N, cosines)
        embedded = ops.relu(ops.matmul(cosines, self.kernel) + self.bias)  # (B or 1, N, units)
        return ops.expand_dims(inputs, 1) * embedded

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments of ``from_config``."""
        return {**super().get_config(), "fractions": self.fractions}


def midpoints(count: int) -> NDArray[np.float32]:
    """(count,): midpoints of ``count`` equal intervals of 0..1 (QR-DQN, lemma 2)."""
    return ((np.arange(count) + 0.5) / count).astype(np.float32)


_MEANS: Final[dict[str, Callable[[Head], layers.Layer]]] = {
    "c51": lambda head: CategoricalMean(head.atoms, head.v_min, head.v_max, dtype="float32"),
    "qr": lambda head: QuantileMean(dtype="float32"),
    "iqn": lambda head: ImplicitQuantileMean(dtype="float32"),
}


def with_head(model: keras.Model, head: Head) -> keras.Model:
    """Replaces the last layer of ``model`` with ``head``.

    Args:
        model: (B, ...) -> (B, nb_actions); its second-last layer feeds the head.
        head: The new head. A plain head leaves ``model`` unchanged.

    Returns:
        A model with the same input and output shapes that shares all layers but the last.
    """
    if (head.dueling, head.distribution, head.noisy_sigma) == ("none", "none", 0.0):
        return model
    nb_actions = model.output.shape[-1]
    rows = nb_actions if head.dueling == "none" else 1 + nb_actions  # the value and advantages
    implicit, distributional = head.distribution == "iqn", head.distribution != "none"
    atoms = head.atoms if distributional and not implicit else 1
    x = model.layers[-2].output
    if implicit:
        x = FractionEmbedding(head.atoms, dtype="float32")(x)
    if head.dueling == "streams":
        value = _dense(head, atoms)(_hidden(head, x))
        advantages = _dense(head, nb_actions * atoms)(_hidden(head, x))
        x = layers.Concatenate(dtype="float32")([value, advantages])
    else:
        x = _dense(head, rows * atoms)(x)
    if implicit:
        x = layers.Permute((2, 1), dtype="float32")(x)  # (B, N, rows) -> (B, rows, N)
    elif distributional:
        x = layers.Reshape((rows, atoms), dtype="float32")(x)
    if head.dueling != "none":
        kind = "avg" if head.dueling == "streams" else head.dueling
        x = Dueling(kind, dtype="float32")(x)
    if distributional:
        x = _MEANS[head.distribution](head)(x)
    return keras.Model(inputs=model.input, outputs=x)


def _hidden(head: Head, x: Any) -> Any:
    return hidden_layer(
        functools.partial(_dense, head),
        x,
        head.stream_units,
        activation=head.activation,
        layer_norm=head.layer_norm,
        dtype="float32",
    )


def _dense(
    head: Head, units: int, activation: str | None = None, dtype: str = "float32"
) -> layers.Layer:
    if head.noisy_sigma:
        return NoisyDense(units, head.noisy_sigma, activation, dtype=dtype)
    return layers.Dense(units, activation=activation, dtype=dtype)
