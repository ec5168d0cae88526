"""Tile coding of positions on a ring of 256 values.

A dense network sees a position as one number, and needs many weights to act at one place and not at
the next. As tiles each place has weights of its own, and a difference of two positions says where
one thing is as seen from another.

Source: coarse coding, Sutton and Barto 2018, section 9.5.3, http://incompleteideas.net/book/RLbook2020.pdf.
Difference: a tile counts by how near its middle is, in a straight line, not as 0 or 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import keras
import numpy as np
from keras import layers, ops

from models.adapting import Adapting
from models.positions import Position, find_positions, pixels
from models.ram import Place
from models.seen import Seen

RING: Final = 256.0  # after 255 comes 0


class Tiling(NamedTuple):
    """Middles of the tiles of one place, and how far from its middle each reaches."""

    middles: Sequence[float]
    widths: Sequence[float]


EVEN: Final = Tiling(range(0, int(RING), 8), [8] * 32)  # a sprite is 8 wide
# Of a difference: what is near is told apart, what is far only roughly.
NEAR: Final = Tiling(
    (-96, -64, -48, -32, -24, -16, -8, 0, 8, 16, 24, 32, 48, 64, 96, 128),
    (32, 24, 16, 12, 8, 8, 8, 8, 8, 8, 8, 12, 16, 24, 32, 32),
)


IN_NIBBLES: Final = 256  # more in the weight of a position whose byte is in the TIA's format


def around_zero(x: Any) -> Any:
    """Brings ``x`` to -128 to 128 by whole turns of the ring."""
    return x - RING * ops.round(x / RING)


def values(inputs: Any, places: Sequence[Place]) -> Any:
    """The places' values, not yet on the ring: (..., n) uint8 to (..., places) float32."""
    # One product with a matrix of 1 and -1, exact for bytes: a slice for each would cost more.
    taken = np.zeros((inputs.shape[-1], len(places)), np.float32)
    more = np.zeros(len(places), np.float32)
    for k, (byte, less, plus) in enumerate(places):
        taken[byte, k] += 1.0
        if less is not None:
            taken[less, k] -= 1.0
        more[k] = plus
    return ops.matmul(ops.cast(inputs, "float32"), taken) + more


class Tiled(layers.Layer):  # type: ignore[misc]
    """Values of places (B, places) to tiles (B, tiles): 1 - distance / width from each middle."""

    def tile(self, tilings: Sequence[Tiling]) -> None:
        """Sets the tiles of each place."""
        sizes = [len(tiling.middles) for tiling in tilings]
        # Each place's value beside all of its tiles: a product with ones is exact.
        self._place_of_tile = np.repeat(np.eye(len(sizes), dtype=np.float32), sizes, axis=1)
        self._middles = np.concatenate([tiling.middles for tiling in tilings], dtype=np.float32)
        self._widths = np.concatenate([tiling.widths for tiling in tilings], dtype=np.float32)

    def tiles_of(self, x: Any, factors: Any = None) -> Any:
        """Maps values (B, places) float32 to tiles, each times its place's factor (places,)."""
        distances = around_zero(ops.matmul(x, self._place_of_tile) - self._middles)
        tiles = ops.relu(1.0 - ops.abs(distances) / self._widths)
        if factors is not None:
            tiles *= ops.matmul(factors, self._place_of_tile)
        return ops.cast(tiles, self.compute_dtype)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Returns (B, tiles)."""
        return (input_shape[0], len(self._middles))


@keras.saving.register_keras_serializable(package="atari_runner")
class Tiles(Tiled):
    """``EVEN`` tiles of given places.

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
        """Returns what rebuilds the layer."""
        return {**super().get_config(), "places": self.places}


@keras.saving.register_keras_serializable(package="atari_runner")
class FoundTiles(Tiled, Adapting):
    """Tiles of positions found by ``find_positions``, and of their differences.

    Places: each position (``EVEN`` tiles), then each difference of two of which the first is one of
    the ``centres`` (``NEAR``). Those of positions that were not found are 0 throughout, as all are
    until the layer adapts.

    Args:
        count: Positions at most.
        centres: The first of them, from which the others are seen: what follows the joystick comes
            first.
    """

    def __init__(self, count: int, centres: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.count, self.centres = count, centres
        first, second = np.triu_indices(count, 1)
        first, second = first[first < centres], second[first < centres]
        own = np.eye(count, dtype=np.float32)
        self._places = np.concatenate([own, own[:, first] - own[:, second]], axis=1)
        self.tile([*[EVEN] * count, *[NEAR] * len(first)])

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Makes the weight: a code for each position, its byte or -1 where there is none."""
        # Floats: a soft update of the target network takes means, which are rounded below.
        self.bytes = self.constant("bytes", (self.count,), -1.0)
        super().build(input_shape)

    @property
    def found(self) -> list[Position]:
        """The positions that were found."""
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
        missing = ops.matmul(ops.cast(code < 0, "float32"), np.abs(self._places))  # of a place
        return self.tiles_of(x, ops.cast(missing < 0.5, "float32"))

    def get_config(self) -> dict[str, Any]:
        """Returns what rebuilds the layer."""
        return {**super().get_config(), "count": self.count, "centres": self.centres}
