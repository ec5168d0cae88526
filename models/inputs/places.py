"""Encoder: tile-coded positions and differences of positions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from models.inputs import AUTO, Encoder, Reading, read
from models.ram import Ram
from models.setting import Rule, between, option, setting


@dataclass
class Places(Encoder):
    """Places of the newest observation as overlapping tiles (``models.tiles``).

    ``of: auto`` finds positions in random play, and uses them and their pairwise differences. A
    list names places instead: ``[ball_x, 101, ball_x - paddle_x]``.
    """

    kind: str = option("places")
    of: Any = setting(
        AUTO, Rule(lambda v: v == AUTO or isinstance(v, list), "auto or a list"),
        "places by name or address, or auto",
    )  # fmt: skip
    count: int = setting(10, between(1, 24), "maximum number of positions used by auto")
    sparse: ClassVar[bool] = True

    def check(self, ram: Ram, key: str) -> None:
        """Checks the places."""
        if self.of != AUTO:
            read(ram.place, self.of, f"{key}.of")

    def build(self, window: Any, reading: Reading) -> Any:
        """(B, window, n) to (B, tiles)."""
        from models.tiles import FoundTiles, Tiles

        newest = window[:, -1]
        if self.of == AUTO:
            return FoundTiles(self.count, dtype=reading.dtype)(newest)
        assert reading.ram is not None
        return Tiles([reading.ram.place(place) for place in self.of], dtype=reading.dtype)(newest)
