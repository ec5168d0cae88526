"""Finds the bits of bytes that hold codes in transitions of random play.

A code names a kind of object, or what a place holds; its numeric value says nothing. In Enduro 22,
86 and 150 are three lanes with a car, 0 is none; in Asterix codes name the objects of each row. A
code takes few values, keeps one for a while, and many of its changes are large; positions move a
little at a time. Of bits that are nearly copies or opposites of each other, one is kept.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.positions import FAR, changes
from models.seen import Seen

COUNT: Final = 64  # bits used by default
VALUES: Final = (3, 32)  # least and greatest number of values; two are a number as good as any
CHANGING: Final = 0.25  # greatest share of transitions in which a code changes
LARGE: Final = 0.3  # least share of its changes that are larger than FAR
LEAST_SHARE: Final = 0.01  # least share of observations with either value of a bit
ALIKE: Final = 0.8  # correlation, or its negative, of bits of which one is kept


class Bit(NamedTuple):
    """Bit ``bit`` of byte ``byte`` of an observation; bit 0 is the least significant."""

    byte: int
    bit: int


def find_code_bits(seen: Seen, count: int) -> list[Bit]:
    """The bits of codes, those first that are set about as often as not.

    Args:
        seen: Transitions with observations (n,).
        count: Maximum number of bits.

    Returns:
        At most ``count`` bits; the same for the same transitions.
    """
    newest = seen.windows[:, -1]
    moves = changes(newest, seen.after)
    bytes_ = [byte for byte in range(newest.shape[1]) if is_code(newest[:, byte], moves[:, byte])]
    bits = np.unpackbits(newest[:, bytes_], axis=-1, bitorder="little").astype(np.float32)
    ones = bits.mean(axis=0)
    rarer = np.minimum(ones, 1.0 - ones)
    standard = (bits - ones) / np.maximum(bits.std(axis=0), 1e-9)
    correlation = abs(standard.T @ standard) / len(bits)
    found: list[int] = []
    for i in np.argsort(-rarer, kind="stable"):
        if len(found) == count or rarer[i] < LEAST_SHARE:
            break
        if not (correlation[i, found] >= ALIKE).any():
            found.append(int(i))
    return [Bit(bytes_[i // 8], i % 8) for i in found]


def is_code(values: NDArray[np.uint8], moves: NDArray[np.int64]) -> bool:
    """Whether a byte holds a code.

    Args:
        values: (N,) what it was.
        moves: (N,) how it changed from one observation to the next.
    """
    few = VALUES[0] <= len(np.unique(values)) <= VALUES[1]
    changed = moves[moves != 0]
    if not few or not 0 < changed.size <= CHANGING * moves.size:
        return False
    return bool((abs(changed) > FAR).mean() >= LARGE)
