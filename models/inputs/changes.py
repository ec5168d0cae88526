"""Encoder: the change of each byte between consecutive observations of the window."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from models.inputs import Encoder, Reading
from models.setting import option


@dataclass
class Changes(Encoder):
    """The changes of each byte within the window, divided by 8, clipped to +-1; 255 to 1 is 2."""

    kind: str = option("changes")
    least_window: ClassVar[int] = 2

    def build(self, window: Any, reading: Reading) -> Any:
        """(B, window, n) to (B, (window - 1) * n)."""
        from keras import layers

        from models.changes import Changes as Layer

        return layers.Flatten(dtype=reading.dtype)(Layer(dtype=reading.dtype)(window))
