"""Encoder: bytes standardized with their mean and standard deviation in random play."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from models.inputs import Encoder, Reading, frames_of
from models.setting import one_of, option, setting


@dataclass
class Standardized(Encoder):
    """Bytes minus their mean, over their deviation (at least 16), clipped at 5 deviations."""

    kind: str = option("standardized")
    frames: str = setting("newest", one_of("all", "newest"), "which observations of the window")

    def build(self, window: Any, reading: Reading) -> Any:
        """(B, window, n) to (B, frames * n)."""
        from keras import layers

        from models.standardize import Standardize

        bytes_ = Standardize(dtype=reading.dtype)(frames_of(window, self.frames))
        return layers.Flatten(dtype=reading.dtype)(bytes_)
