"""The network from a window of observations to one Q-value per action."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

from models.setting import (
    ANY,
    distinct,
    finite_above,
    integers,
    one_of,
    optional,
    rule,
    setting,
)
from runner.settings.addresses import RAM_BYTES, is_place

ACTIVATIONS: Final = ("elu", "gelu", "leaky_relu", "relu", "selu", "silu", "sigmoid", "tanh")
INITIALIZERS: Final = (
    "glorot_normal", "glorot_uniform", "he_normal", "he_uniform", "he_untruncated_normal",
    "lecun_normal", "lecun_uniform",
)  # fmt: skip
UNITS: Final = integers(1, 65536)


@dataclass
class SlotConfig:
    """What is read of one of several like things, such as a lane of fish."""

    numbers: list[str] = field(default_factory=list)  # places, with their changes
    bits: list[int] = field(default_factory=list)  # bytes of the RAM
    tiles: list[str] = field(default_factory=list)  # places


@dataclass
class ModelConfig:
    """The network."""

    name: str = setting("dense", one_of("conv", "dense", "custom"), "kind of network")
    filters: list[int] = setting([], integers(1, 4096), "filters of each convolution")
    kernels: list[int] = setting([], integers(1, 4096), "side of each kernel, pixels")
    strides: list[int] = setting([], integers(1, 4096), "of each convolution, pixels")
    conv_bias: bool = setting(True, ANY, "whether the convolutions have biases")
    per_frame: bool = setting(
        False, ANY, "the convolutions see each frame of the window by itself, with shared weights"
    )
    conv_initializer: str = setting(
        "glorot_uniform", one_of(*INITIALIZERS), "initial kernels of the convolutions"
    )
    hidden: list[int] = setting([512, 128], UNITS, "units of each dense layer")
    dense_initializer: str = setting(
        "glorot_uniform",
        one_of(*INITIALIZERS),
        "initial kernels of the dense layers, the output included, not of the dueling head",
    )
    activation: str = setting("relu", one_of(*ACTIVATIONS), "of the hidden layers")
    layer_norm: bool = setting(False, ANY, "normalise every hidden layer before its activation")
    scale: float = setting(
        1 / 255, finite_above(0), "factor on the bytes inside the network: 1/255"
    )
    standardise: bool = setting(
        False, ANY, "each byte less its mean, over its standard deviation; `model=dense` only"
    )
    differences: bool = setting(
        False, ANY, "the window as its newest bytes and the changes before; `model=dense` only"
    )
    gains: bool = setting(
        False, ANY, "each input times exp(10 g), with a learned g of its own; `model=dense` only"
    )
    bits: str = setting(
        "none",
        one_of("none", "add", "only"),
        "each byte as its 8 bits, beside the byte or instead; `model=dense` only",
    )
    bits_of: list[int] | None = setting(
        None, optional(distinct(0, RAM_BYTES - 1)), "the bytes whose bits they are; `null`: all"
    )
    tiles: list[str] = setting(
        [],
        rule(
            lambda v: all(map(is_place, v)) and len(v) == len(set(v)),
            "a list of bytes from 0 to 127 and of differences of two, either up to 255 more, such "
            "as [70,70-30,70+24], none twice",
        ),
        "inputs [besides](#features-by-byte), of the newest observation: `model.tiles=[70,70-30]`",
    )
    slots: list[SlotConfig] = setting(
        [],
        rule(lambda v: True, "a list of slots, such as [{bits:[36],tiles:[70-30]}]"),
        "[entities of the same type](#features-by-byte), which one small network reads",
    )
    slot_hidden: list[int] = setting([128, 64], UNITS, "units of each layer of the small network")
    builder: str | None = setting(
        None, ANY, "`package.module:function`, your function, with `model=custom` only"
    )
    arguments: dict[str, Any] = setting(
        {}, ANY, "keyword arguments of your function: `model.arguments.units=128`"
    )
