"""Finds the bytes that behave like positions of objects in recorded observations.

A position takes many values and moves often, in small changes, in both directions; or it moves in
one direction and wraps around the screen, which is 160 pixels wide. A counter changes by a constant
amount in one direction, modulo 256 or another number; a score has decimal digits; a timer or noise
jumps. Of two bytes that move together, one is kept.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

LEAST_VALUES: Final = 16
LEAST_MOVING: Final = 0.05  # least share of transitions in which a position changes
STEP: Final = 12  # largest change counted as motion of a position
AROUND: Final = (129, 176)  # span of positions that wrap around the screen: 160 pixels and a margin
DENSE: Final = 0.75  # least share of that span taken as values; decimal digits take fewer
SAME: Final = 0.97  # share that counts as (almost) all


def find_positions(windows: NDArray[np.uint8], count: int) -> list[int]:
    """The bytes that behave most like positions, best first.

    Args:
        windows: (N, F, n), F >= 2: each F consecutive observations of one game; zeros before the
            game starts.
        count: Maximum number of bytes.

    Returns:
        Byte indices, at most ``count``; the same for the same windows.
    """
    played = np.asarray(windows.any(axis=-1))
    rows = windows[played].astype(np.int64)  # (M, n)
    both = played[:, 1:] & played[:, :-1]
    # Changes modulo 256: from 255 to 1 is 2.
    changes = (windows[:, 1:][both] - windows[:, :-1][both]).view(np.int8).astype(np.int64)
    scores = {byte: score(rows[:, byte], changes[:, byte]) for byte in range(rows.shape[1])}
    found: list[int] = []
    for byte in sorted((b for b in scores if scores[b] > 0), key=lambda b: (-scores[b], b)):
        if len(found) == count:
            break
        if not any(is_copy(rows[:, byte], rows[:, other]) for other in found):
            found.append(byte)
    return found


def score(values: NDArray[np.int64], changes: NDArray[np.int64]) -> float:
    """Scores how much a byte behaves like a position; 0: not at all.

    Args:
        values: (M,) values of the byte.
        changes: (K,) changes from one observation to the next.
    """
    moves = changes[changes != 0]
    if len(np.unique(values)) < LEAST_VALUES or moves.size < LEAST_MOVING * changes.size:
        return 0.0
    if is_decimal(values) or (is_counter(moves) and not goes_around_the_screen(values)):
        return 0.0
    shares = np.bincount(values, minlength=256) / values.size
    shares = shares[shares > 0]
    entropy = float(-(shares * np.log2(shares)).sum())
    return entropy * min(1.0, float((abs(moves) <= STEP).mean()) + 0.3)


def is_counter(moves: NDArray[np.int64]) -> bool:
    """Whether (almost) all changes are equal, and (almost) none is in the other direction."""
    amounts, counts = np.unique(moves, return_counts=True)
    most = amounts[counts.argmax()]
    back = float((np.sign(moves) == -np.sign(most)).mean())
    return bool(counts.max() >= SAME * moves.size and back < 1 - SAME)


def is_decimal(values: NDArray[np.int64]) -> bool:
    """Whether a byte holds two decimal digits, as scores do: no low digit exceeds 9."""
    return bool((values % 16 <= 9).all())


def goes_around_the_screen(values: NDArray[np.int64]) -> bool:
    """Whether a byte takes most of about 160 adjacent values, like a car wrapping around."""
    span = int(values.max() - values.min()) + 1
    return AROUND[0] <= span <= AROUND[1] and len(np.unique(values)) >= DENSE * span


def is_copy(values: NDArray[np.int64], others: NDArray[np.int64]) -> bool:
    """Whether the difference of two bytes is almost constant."""
    differences = (values - others) % 256
    return bool(np.bincount(differences).max() >= SAME * differences.size)
