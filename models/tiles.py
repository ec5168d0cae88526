"""Tile coding of positions on a ring of 256 values.

A dense network receives a position as one number, and needs many weights to act differently at
adjacent positions. With tiles, each position has separate weights, and a difference of two
positions is the location of one object relative to another.

Source: coarse coding, Sutton and Barto 2018, section 9.5.3, http://incompleteideas.net/book/RLbook2020.pdf.
Deviation: a tile's activation decreases linearly with distance from its centre, instead of 0 or 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Any, Final, NamedTuple

import keras
import numpy as np
from keras import layers, ops

from models.adapting import Adapting
from models.positions import Position, find_positions, pixels
from models.ram import Place
from models.seen import Seen

RING: Final = 256.0  # 255 wraps around to 0


class Tiling(NamedTuple):
    """Centres of the tiles of one place, and their half-widths."""

    middles: Sequence[float]
    widths: Sequence[float]


EVEN: Final = Tiling(range(0, int(RING), 8), [8] * 32)  # a sprite is 8 pixels wide
# For differences: fine resolution near 0, coarse far from it.
NEAR: Final = Tiling(
    (-96, -64, -48, -32, -24, -16, -8, 0, 8, 16, 24, 32, 48, 64, 96, 128),
    (32, 24, 16, 12, 8, 8, 8, 8, 8, 8, 8, 12, 16, 24, 32, 32),
)


IN_NIBBLES: Final = 256  # added to the code of a position in the TIA's format


def around_zero(x: Any) -> Any:
    """Maps ``x`` to -128 to 128, modulo 256."""
    return x - RING * ops.round(x / RING)


def values(inputs: Any, places: Sequence[Place]) -> Any:
    """Values of places, not yet modulo 256: (..., n) uint8 to (..., places) float32."""
    # One product with a matrix of 1 and -1, exact for bytes: a slice per place would cost more.
    taken = np.zeros((inputs.shape[-1], len(places)), np.float32)
    for k, (byte, less) in enumerate(places):
        taken[byte, k] += 1.0
        if less is not None:
            taken[less, k] -= 1.0
    return ops.matmul(ops.cast(inputs, "float32"), taken)


class Tiled(layers.Layer):  # type: ignore[misc]
    """Maps values of places (B, places) to tiles (B, tiles): max(0, 1 - distance / width)."""

    def tile(self, tilings: Sequence[Tiling]) -> None:
        """Sets the tiles of each place."""
        # Neighbouring places with equally many tiles: (places, tiles) middles and widths.
        self._groups = [
            tuple(np.array(numbers, np.float32) for numbers in zip(*group, strict=True))
            for _, group in groupby(tilings, lambda tiling: len(tiling.middles))
        ]

    def tiles_of(self, x: Any, factors: Any = None) -> Any:
        """Maps values (B, places) float32 to tiles, times the factors (places,) of their places."""
        parts, first = [], 0
        for middles, widths in self._groups:
            last = first + len(middles)
            distances = around_zero(x[:, first:last, None] - middles)
            tiles = ops.relu(1.0 - ops.abs(distances) / widths)
            if factors is not None:
                tiles *= factors[first:last, None]
            parts.append(ops.reshape(tiles, (-1, middles.size)))
            first = last
        return ops.cast(ops.concatenate(parts, axis=-1), self.compute_dtype)


@keras.saving.register_keras_serializable(package="atari_runner")
class Tiles(Tiled):
    """``EVEN`` tiles of the given places.

    Args:
        places: See ``models.ram.Place``.
    """

    def __init__(self, places: Sequence[Place], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.places = [Place(*place) for place in places]
        self.tile([EVEN] * len(self.places))

    def call(self, inputs: Any) -> Any:
        """Maps (B, n) uint8 to (B, places * 32) of the layer's dtype."""
        return self.tiles_of(values(inputs, self.places))

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments of ``from_config``."""
        return {**super().get_config(), "places": self.places}


@keras.saving.register_keras_serializable(package="atari_runner")
class FoundTiles(Tiled, Adapting):
    """Tiles of positions found by ``find_positions``, and of their pairwise differences.

    Places: each position (``EVEN`` tiles), then each pairwise difference (``NEAR``). Tiles of
    positions not found are always 0, as are all tiles until the layer adapts.

    Args:
        count: Maximum number of positions.
    """

    def __init__(self, count: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.count = count
        first, second = np.triu_indices(count, 1)
        own = np.eye(count, dtype=np.float32)
        self._places = np.concatenate([own, own[:, first] - own[:, second]], axis=1)
        self.tile([*[EVEN] * count, *[NEAR] * len(first)])

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Creates the weight: a code for each position, -1 if there is none."""
        # Floats: soft updates of the target network average weights; the means are rounded below.
        self.bytes = self.constant("bytes", (self.count,), -1.0)
        super().build(input_shape)

    @property
    def found(self) -> list[Position]:
        """The positions found."""
        codes = [int(code) for code in np.rint(np.asarray(self.bytes)) if code >= 0]
        return [Position(code % IN_NIBBLES, code >= IN_NIBBLES) for code in codes]

    def learn_from(self, seen: Seen) -> None:
        """Finds the positions among the bytes of the observations."""
        found = find_positions(seen, self.count)
        codes = [byte + IN_NIBBLES * nibbles for byte, nibbles in found]
        self.bytes.assign([*codes, *[-1.0] * (self.count - len(codes))])

    def call(self, inputs: Any) -> Any:
        """Maps (B, n) uint8 to (B, tiles) of the layer's dtype."""
        code = ops.cast(ops.round(self.bytes), "int32")
        taken = ops.take(inputs, ops.maximum(code, 0) % IN_NIBBLES, axis=-1)  # (B, count)
        numbers = ops.cast(taken, "float32")
        positions = ops.where(code >= IN_NIBBLES, pixels(numbers), numbers)
        x = ops.matmul(positions, self._places)  # exact for bytes
        missing = ops.matmul(ops.cast(code < 0, "float32"), np.abs(self._places))  # per place
        return self.tiles_of(x, ops.cast(missing < 0.5, "float32"))

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments of ``from_config``."""
        return {**super().get_config(), "count": self.count}
