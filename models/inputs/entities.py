"""Encoder: one small network shared by entities of the same type, such as lanes of fish.

A dense network learns the effect of a fish separately for each lane, and hardly at all for a rarely
occupied lane. The small network reads every lane with the same weights: experience in one lane
applies to all. The Q-network's inputs are the maximum and the mean of each output over the
entities, which do not depend on their order, and every single output.

Source: Zaheer et al. 2017, "Deep Sets", https://arxiv.org/abs/1703.06114. Deviation: the outputs
of each entity are inputs as well, since places in the RAM keep their meaning.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

from models.inputs import Encoder, Reading, read
from models.ram import Ram
from models.setting import Rule, integers, option, setting, wrong


@dataclass
class Entity:
    """Inputs of one entity; the other entities have as many, in the same order."""

    numbers: list[Any] = field(default_factory=list)  # places: their values and changes
    bits: list[Any] = field(default_factory=list)  # bytes, as bits
    tiles: list[Any] = field(default_factory=list)  # places, as tiles


PARTS: Final = ("numbers", "bits", "tiles")


@dataclass
class Entities(Encoder):
    """Entities of the same type, such as the lanes of fish, read by one small network."""

    kind: str = option("entities")
    of: list[Entity] = setting(
        [], Rule(bool, "at least one entity"), "numbers, bits and tiles of each entity"
    )
    hidden: list[int] = setting(
        [128, 64], integers(1, 65536), "units of the small network's layers"
    )

    def check(self, ram: Ram, key: str) -> None:
        """Checks that the entities have the same parts and refer to observed bytes."""
        for k, entity in enumerate(self.of):
            if not any(getattr(entity, part) for part in PARTS):
                raise wrong(f"{key}.of[{k}]", "empty", ", ".join(PARTS))
            for part, parse in zip(PARTS, (ram.place, ram.byte, ram.place), strict=True):
                entries, first = getattr(entity, part), getattr(self.of[0], part)
                if len(entries) != len(first):
                    allowed = f"length {len(first)}, as in the first entity"
                    raise wrong(f"{key}.of[{k}].{part}", entries, allowed)
                read(parse, entries, f"{key}.of[{k}].{part}")

    def build(self, window: Any, reading: Reading) -> Any:
        """(B, window, n) to (B, (2 + entities) * hidden[-1])."""
        from keras import layers

        from models.entities import entity_inputs
        from models.hidden import dense_layers

        assert reading.ram is not None
        dtype = reading.dtype
        x = dense_layers(
            entity_inputs(window, reading.ram, self.of, dtype), self.hidden,
            dtype=dtype, activation=reading.activation, layer_norm=reading.layer_norm,
            initializer=reading.initializer,
        )  # fmt: skip
        greatest = layers.GlobalMaxPooling1D(dtype=dtype)(x)
        mean = layers.GlobalAveragePooling1D(dtype=dtype)(x)
        return layers.Concatenate(dtype=dtype)([greatest, mean, layers.Flatten(dtype=dtype)(x)])
