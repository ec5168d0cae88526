"""Noisy dense layer: learned exploration.

Source: Fortunato et al. 2018, "Noisy Networks for Exploration", https://arxiv.org/abs/1706.10295,
with factorised Gaussian noise (equations 9 to 11 and section 3.2). The noise of a call comes from
``models.draws``; without it the layer is an ordinary dense layer of the mean weights.
"""

from __future__ import annotations

import math
from typing import Any

import keras
from keras import ops

from models.draws import current


@keras.saving.register_keras_serializable(package="atari_runner")
class NoisyDense(keras.layers.Layer):  # type: ignore[misc]
    """Dense layer with weights mu + sigma * noise.

    The noise of the kernel is f(in) f(out)^T, f(x) = sign(x) sqrt(|x|), so that each row of a batch
    can have separate noise at the cost of one more product.

    Args:
        units: Outputs.
        sigma: sigma_0; the standard deviations start at sigma_0 / sqrt(inputs).
        activation: Keras name, or None.
    """

    def __init__(
        self, units: int, sigma: float = 0.5, activation: str | None = None, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.units, self.sigma = units, sigma
        self.activation = keras.activations.get(activation)

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Creates mean and standard deviation of kernel (inputs, units) and bias (units,)."""
        inputs = input_shape[-1]
        assert inputs is not None
        bound = 1.0 / math.sqrt(inputs)
        mean = keras.initializers.RandomUniform(-bound, bound)
        deviation = keras.initializers.Constant(self.sigma * bound)
        self.kernel = self.add_weight(shape=(inputs, self.units), initializer=mean, name="kernel")
        self.bias = self.add_weight(shape=(self.units,), initializer=mean.clone(), name="bias")
        self.kernel_sigma = self.add_weight(
            shape=(inputs, self.units), initializer=deviation, name="kernel_sigma"
        )
        self.bias_sigma = self.add_weight(
            shape=(self.units,), initializer=deviation, name="bias_sigma"
        )

    def call(self, inputs: Any) -> Any:
        """Maps (B, ..., inputs) to (B, ..., units)."""
        outputs = ops.matmul(inputs, self.kernel) + self.bias
        draws = current()
        if draws is not None:
            rows = ops.shape(inputs)[0] if draws.per_row else 1
            between = [1] * (len(inputs.shape) - 2)
            noise_in = _signed_root(draws.normal([rows, *between, inputs.shape[-1]]))
            noise_out = _signed_root(draws.normal([rows, *between, self.units]))
            noisy = ops.matmul(inputs * noise_in, self.kernel_sigma) + self.bias_sigma
            outputs = outputs + noise_out * noisy
        return self.activation(outputs)

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments of ``from_config``."""
        activation = keras.activations.serialize(self.activation)
        own = {"units": self.units, "sigma": self.sigma, "activation": activation}
        return {**super().get_config(), **own}


def _signed_root(x: Any) -> Any:
    return ops.sign(x) * ops.sqrt(ops.abs(x))
