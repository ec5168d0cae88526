"""Encoder: raw observations times a constant."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from models.inputs import Encoder, Reading, frames_of
from models.setting import finite_above, one_of, option, setting


@dataclass
class Scaled(Encoder):
    """Each byte or pixel times ``factor``."""

    kind: str = option("scaled")
    factor: float = setting(1 / 255, finite_above(0.0), "factor of the bytes; 1/255: to 0..1")
    frames: str = setting("all", one_of("all", "newest"), "which observations of the window")
    of_ram: ClassVar[bool] = False

    def build(self, window: Any, reading: Reading) -> Any:
        """(B, window, *observation) to (B, frames * bytes)."""
        from keras import layers

        frames = frames_of(window, self.frames)
        return layers.Flatten(dtype=reading.dtype)(
            layers.Rescaling(self.factor, dtype=reading.dtype)(frames)
        )
