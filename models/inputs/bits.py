"""Encoder: the bits of bytes, for flags, bitmaps and object types."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from models.inputs import AUTO, Encoder, Reading, frames_of, read
from models.ram import Ram
from models.setting import Rule, one_of, option, setting


@dataclass
class Bits(Encoder):
    """Bits of bytes, as 0 or 1.

    ``of: auto`` finds bytes that hold codes in random play, and uses up to 64 of their bits.
    """

    kind: str = option("bits")
    of: Any = setting(
        AUTO,
        Rule(lambda v: v in (None, AUTO) or isinstance(v, list), "auto, null or a list"),
        "the bytes, by name or address; null: all; auto: those that hold codes",
    )
    frames: str = setting("newest", one_of("all", "newest"), "which observations of the window")

    def check(self, ram: Ram, key: str) -> None:
        """Checks the bytes."""
        if isinstance(self.of, list):
            read(ram.byte, self.of, f"{key}.of")

    def build(self, window: Any, reading: Reading) -> Any:
        """(B, window, n) to (B, frames * bits)."""
        from keras import layers, ops

        from models.bits import Bits as Layer
        from models.bits import FoundBits

        frames = frames_of(window, self.frames)
        if isinstance(self.of, list) and reading.ram is not None:
            frames = ops.take(
                frames, ops.array([reading.ram.byte(byte) for byte in self.of]), axis=-1
            )
        layer = FoundBits if self.of == AUTO else Layer
        return layers.Flatten(dtype=reading.dtype)(layer(dtype=reading.dtype)(frames))
