"""Encoder: the bits of bytes, for flags, bitmaps and object types."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Optional

from models.inputs import Encoder, Reading, frames_of, read
from models.ram import Ram
from models.setting import ANY, one_of, option, setting


@dataclass
class Bits(Encoder):
    """The 8 bits of bytes, as 0 or 1."""

    kind: str = option("bits")
    of: Optional[list[Any]] = setting(  # noqa: UP045 (OmegaConf reads it on Python 3.10)
        None, ANY, "the bytes, by name or address; null: all"
    )
    frames: str = setting("newest", one_of("all", "newest"), "which observations of the window")

    def check(self, ram: Ram, key: str) -> None:
        """Checks the bytes."""
        if self.of is not None:
            read(ram.byte, self.of, f"{key}.of")

    def build(self, window: Any, reading: Reading) -> Any:
        """(B, window, n) to (B, frames * 8 * bytes)."""
        from keras import layers, ops

        from models.bits import Bits as Layer

        frames = frames_of(window, self.frames)
        if self.of is not None and reading.ram is not None:
            frames = ops.take(
                frames, ops.array([reading.ram.byte(byte) for byte in self.of]), axis=-1
            )
        return layers.Flatten(dtype=reading.dtype)(Layer(dtype=reading.dtype)(frames))
