"""Places by byte: a byte, or what it is more than another, on a ring: after 255 comes 0."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from keras import ops

RING: Final = 256.0
Place = tuple[int, int | None, int]  # (i, j, more): byte i, less byte j unless None, plus more


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


def around_zero(x: Any) -> Any:
    """Brings ``x`` to -128 to 128 by whole turns of the ring."""
    return x - RING * ops.round(x / RING)
