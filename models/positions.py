"""Finds the bytes that behave like positions of objects in recorded observations.

A position takes many values, moves often, a little at a time, and both ways; or it goes one way and
comes in again on the other side of the screen, 160 pixels on. A counter goes one way by the same
amount, around 256 or another number; a score has decimal digits; a timer or noise jumps. Of two
bytes that move together one is enough. What follows the joystick is the player and counts for more:
in Freeway ten cars take more values than the chicken does.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.seen import Seen

LEAST_VALUES: Final = 16
LEAST_MOVING: Final = 0.05  # share of the transitions in which it changes
STEP: Final = 12  # a change of a position is at most so much
AROUND: Final = (129, 176)  # values of what goes around the screen: 160 pixels, and some margin
DENSE: Final = 0.75  # share of these that it takes; decimal digits take less
SAME: Final = 0.97  # share from which on something holds throughout
FOLLOWING: Final = 10.0  # weight of the share that actions explain: 0.04 to 0.26 of a player
LAG: Final = 8  # a copy may be one or two moves late
COPIED: Final = 0.95  # share from which on one byte is a copy of another
FAR: Final = 24  # greater changes count as so much: a new game, a new life


def find_positions(seen: Seen, count: int) -> list[int]:
    """The bytes that behave most like positions, the best one first.

    Args:
        seen: Transitions whose observations are (n,).
        count: Bytes at most.

    Returns:
        Their indices, at most ``count``; the same for the same transitions.
    """
    windows = seen.windows
    if windows.shape[1] == 1:  # no changes to see in the windows
        windows = np.concatenate([windows, seen.after[:, None]], axis=1)
    played = np.asarray(windows.any(axis=-1))
    rows = windows[played].astype(np.int64)  # (M, n)
    both = played[:, 1:] & played[:, :-1]
    moves = changes(windows[:, :-1][both], windows[:, 1:][both])
    followed = share_of_actions(changes(seen.windows[:, -1], seen.after), seen.actions)
    scores = {
        byte: score(rows[:, byte], moves[:, byte]) * (1.0 + FOLLOWING * float(followed[byte]))
        for byte in range(rows.shape[1])
    }
    found: list[int] = []
    for byte in sorted((b for b in scores if scores[b] > 0), key=lambda b: (-scores[b], b)):
        if len(found) == count:
            break
        if not any(is_copy(rows[:, byte], rows[:, other]) for other in found):
            found.append(byte)
    return found


def changes(before: NDArray[np.uint8], after: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Changes on the ring of 256: from 255 to 1 is 2."""
    return (after - before).view(np.int8).astype(np.int64)


def share_of_actions(moves: NDArray[np.int64], actions: NDArray[np.int32]) -> NDArray[np.float64]:
    """The share of each byte's variance that the action explains.

    Args:
        moves: (N, n) changes.
        actions: (N,) what was done before each.

    Returns:
        (n,) 0 to 1, without what chance alone explains (epsilon squared of a one-way analysis of
        variance); 0 where nothing changes.
    """
    x = np.clip(moves, -FAR, FAR).astype(np.float64)
    x -= x.mean(axis=0)
    kinds, of_kind = np.unique(actions, return_inverse=True)
    sums = np.eye(len(kinds))[of_kind].T @ x  # (actions, n)
    between = (sums**2 / np.bincount(of_kind)[:, None]).sum(axis=0)
    total = (x**2).sum(axis=0)
    within = (total - between) / max(len(x) - len(kinds), 1)
    share: NDArray[np.float64] = (between - (len(kinds) - 1) * within) / np.maximum(total, 1e-9)
    return share.clip(0.0, 1.0)


def score(values: NDArray[np.int64], moves: NDArray[np.int64]) -> float:
    """How much a byte behaves like a position; 0: not at all.

    Args:
        values: (M,) what it was.
        moves: (K,) how it changed from one observation to the next.
    """
    steps, moves = moves.size, moves[moves != 0]
    if len(np.unique(values)) < LEAST_VALUES or moves.size < LEAST_MOVING * steps:
        return 0.0
    if is_decimal(values) or (is_counter(moves) and not goes_around_the_screen(values)):
        return 0.0
    shares = np.bincount(values, minlength=256) / values.size
    shares = shares[shares > 0]
    entropy = float(-(shares * np.log2(shares)).sum())
    return entropy * min(1.0, float((abs(moves) <= STEP).mean()) + 0.3)


def is_counter(moves: NDArray[np.int64]) -> bool:
    """Whether (almost) all changes are the same amount, and (almost) none goes the other way."""
    amounts, counts = np.unique(moves, return_counts=True)
    most = amounts[counts.argmax()]
    back = float((np.sign(moves) == -np.sign(most)).mean())
    return bool(counts.max() >= SAME * moves.size and back < 1 - SAME)


def is_decimal(values: NDArray[np.int64]) -> bool:
    """Whether a byte holds two decimal digits, as scores do: 16 neighbouring values are not."""
    return bool((values % 16 <= 9).all())


def goes_around_the_screen(values: NDArray[np.int64]) -> bool:
    """Whether a byte takes most of about 160 neighbouring values, as a car that drives around."""
    span = int(values.max() - values.min()) + 1
    return AROUND[0] <= span <= AROUND[1] and len(np.unique(values)) >= DENSE * span


def is_copy(values: NDArray[np.int64], others: NDArray[np.int64]) -> bool:
    """Whether a byte stays near a constant distance from another, as where a sprite was drawn."""
    counts = np.bincount((values - others) % 256, minlength=256)
    ring = np.concatenate([counts, counts[: 2 * LAG]])
    near = np.convolve(ring, np.ones(2 * LAG + 1, np.int64), "valid")  # within LAG of each distance
    return bool(near.max() >= COPIED * values.size)
