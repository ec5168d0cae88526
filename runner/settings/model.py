"""Settings of the network."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from models.inputs import Encoder, encoders
from models.inputs.scaled import Scaled
from models.setting import ANY, ON, Rule, finite_above, integers, one_of, option, setting

ACTIVATIONS: Final = one_of("elu", "gelu", "leaky_relu", "relu", "selu", "silu", "sigmoid", "tanh")
INITIALIZERS: Final = one_of(
    "glorot_normal", "glorot_uniform", "he_normal", "he_uniform", "he_untruncated_normal",
    "lecun_normal", "lecun_uniform",
)  # fmt: skip
UNITS: Final = integers(1, 65536)
SIZES: Final = integers(1, 4096)
ENCODERS: Final = Rule(
    bool, "a list of encoders, such as [standardized,changes,{kind:places,count:10}]"
)


@dataclass
class Network:
    """Settings common to the networks here."""

    name: str = option("")
    hidden: list[int] = setting([512], UNITS, "units of each dense layer")
    dense_initializer: str = setting(
        "glorot_uniform",
        INITIALIZERS,
        "kernel initializer of the dense layers, including the output, not of the dueling head",
    )
    activation: str = setting("relu", ACTIVATIONS, "activation of the hidden layers")
    layer_norm: bool = setting(False, ANY, "normalise every hidden layer before its activation")


@dataclass
class Encoded:
    """Settings common to the networks that read encoded observations."""

    inputs: list[Encoder] = setting(
        [Scaled()],
        ENCODERS,
        "[encoders](#inputs) of the first layer's inputs, concatenated; with `obs=both` of the RAM",
        options=encoders,
    )
    gains: bool = setting(
        False, ANY, "multiply each input except tiles by exp(10 g), with a learned g per input"
    )


@dataclass
class DenseModel(Encoded, Network):
    """Dense layers on encoded observations."""

    name: str = option("dense")
    hidden: list[int] = setting([512, 128], UNITS, "units of each dense layer")


@dataclass
class ConvModel(Network):
    """Convolutions on screens, then dense layers (Mnih et al. 2015)."""

    name: str = option("conv")
    filters: list[int] = setting([32, 64, 64], SIZES, "filters of each convolution")
    kernels: list[int] = setting([8, 4, 3], SIZES, "side of each kernel, pixels")
    strides: list[int] = setting([4, 2, 1], SIZES, "stride of each convolution, pixels")
    conv_bias: bool = setting(True, ANY, "whether the convolutions have biases")
    per_frame: bool = setting(
        False, ANY, "apply the convolutions to each frame of the window, with shared weights"
    )
    conv_norm: bool = setting(
        True,
        ANY,
        "whether `layer_norm` applies to the convolutions too: up to half of the time",
        needs={"layer_norm": ON},
    )
    conv_initializer: str = setting(
        "glorot_uniform", INITIALIZERS, "kernel initializer of the convolutions"
    )
    scale: float = setting(1 / 255, finite_above(0.0), "factor of the pixels inside the network")


@dataclass
class BothModel(Encoded, ConvModel):
    """Convolutions on screens and encoders of the RAM, concatenated, then dense layers."""

    name: str = option("both")


@dataclass
class CustomModel:
    """Your own network: a function that returns a Keras model."""

    name: str = option("custom")
    builder: str | None = setting(
        None,
        Rule(lambda v: v is not None and v.count(":") == 1, "package.module:function"),
        "your function, called as `function(input_shape, nb_actions, **arguments)`",
    )
    arguments: dict[str, Any] = setting(
        {}, ANY, "keyword arguments of your function: `model.arguments.units=128`"
    )
    hidden: list[int] = setting(
        [], UNITS, "the last entry is the hidden units of `agent.dueling=streams`"
    )
    activation: str = setting("relu", ACTIVATIONS, "activation of these streams")
    layer_norm: bool = setting(False, ANY, "normalise these streams before their activation")
