"""Finds the bytes that behave like positions of objects in transitions of random play.

A position takes many values, moves often, a little at a time, and both ways; or it goes one way and
comes in again on the other side of the screen, 160 pixels on. A counter goes one way by the same
amount, around 256 or another number; a score has decimal digits; a timer or noise jumps. Of two
bytes that move together one is enough. What follows the joystick is the player and counts for more:
in Freeway ten cars take more values than the chicken does.

Many games keep a horizontal position as the console's video chip (TIA) wants it: the low nibble
counts delays of 15 pixels, the high one is a motion to the left of -8 to 7 pixels. As numbers such
bytes jump with every pixel. Source: Wright, Stella Programmer's Guide (1979), HMP0 and RESP0.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.ram import Ram
from models.seen import Seen

LEAST_VALUES: Final = 16
LEAST_MOVING: Final = 0.05  # share of the transitions in which it changes
STEP: Final = 12  # a change of a position is at most so much
AROUND: Final = (129, 176)  # values of what goes around the screen: 160 pixels, and some margin
DENSE: Final = 0.75  # share of these that it takes; decimal digits take less
SAME: Final = 0.97  # share from which on something holds throughout
FOLLOWING: Final = 30.0  # weight of the share that actions explain: 0.04 to 0.7 of a player
NIBBLES: Final = 0.8  # weight of a byte in the TIA's format: often a copy, of one sprite in turn
NEAR: Final = 0.7  # share of small changes that it must have; what is no position has some
LAG: Final = 8  # a copy may be one or two moves late
COPIED: Final = 0.95  # share from which on one byte is a copy of another
DRAWN: Final = 0.8  # the same, of a byte in the TIA's format
FAR: Final = 24  # greater changes count as so much: a new game, a new life


class Position(NamedTuple):
    """Byte ``byte`` of an observation, as a number or, with ``nibbles``, in the TIA's format."""

    byte: int
    nibbles: bool = False

    def label(self, ram: Ram) -> str:
        """Name, address and format."""
        return ram.label(self.byte) + (" in nibbles" if self.nibbles else "")


def pixels(values: Any) -> Any:
    """Horizontal positions of bytes in the TIA's format, arrays or tensors: from -7 to 233."""
    motion = (values // 16 + 8) % 16 - 8
    return 15 * (values % 16) - motion


def find_positions(seen: Seen, count: int) -> list[Position]:
    """The bytes that behave most like positions, the best one first.

    Args:
        seen: Transitions whose observations are (n,).
        count: Bytes at most.

    Returns:
        At most ``count``, no byte twice; the same for the same transitions.
    """
    windows = seen.windows
    if windows.shape[1] == 1:  # no changes to see in the windows
        windows = np.concatenate([windows, seen.after[:, None]], axis=1)
    played = np.asarray(windows.any(axis=-1))
    both = played[:, 1:] & played[:, :-1]
    read = in_both_formats(windows)  # (N, F, 2n)
    values = read[played].astype(np.int64)
    moves = changes(read[:, :-1][both], read[:, 1:][both])
    steered = changes(in_both_formats(seen.windows[:, -1]), in_both_formats(seen.after))
    weights = 1.0 + FOLLOWING * share_of_actions(steered, seen.actions)

    n = windows.shape[-1]
    scores = [
        (score if i < n else score_in_nibbles)(values[:, i], moves[:, i]) * weights[i]
        for i in range(2 * n)
    ]
    found: list[int] = []
    for i in sorted(range(2 * n), key=lambda i: (-scores[i], i)):
        if len(found) == count or scores[i] == 0.0:
            break
        if not any(
            i % n == j % n or is_copy(values[:, i], values[:, j], COPIED if i < n else DRAWN)
            for j in found
        ):
            found.append(i)
    return [Position(i % n, i >= n) for i in found]


def in_both_formats(observations: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Maps (..., n) to (..., 2n): bytes as numbers, then as pixels of the TIA's format."""
    as_pixels = pixels(observations.astype(np.int64)).astype(np.uint8)
    return np.concatenate([observations, as_pixels], axis=-1)


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
    return entropy * min(1.0, near_share(moves) + 0.3)


def score_in_nibbles(values: NDArray[np.int64], moves: NDArray[np.int64]) -> float:
    """The same of a byte's pixels, which count for less and must mostly move a little at a time."""
    if near_share(moves[moves != 0]) < NEAR or is_near_by_chance(values):
        return 0.0
    return NIBBLES * score(values, moves)


def near_share(moves: NDArray[np.int64]) -> float:
    """The share of the changes that are small; 0 of none."""
    return float((abs(moves) <= STEP).mean()) if moves.size else 0.0


def is_near_by_chance(values: NDArray[np.int64]) -> bool:
    """Whether two values of different times are mostly near too: only the high nibble changes."""
    apart = abs((values - np.roll(values, values.size // 2) + 128) % 256 - 128)
    return bool((apart <= STEP).mean() > 0.5)


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


def is_copy(values: NDArray[np.int64], others: NDArray[np.int64], share: float) -> bool:
    """Whether a byte is, in ``share`` of the time, near a constant distance from another."""
    counts = np.bincount((values - others) % 256, minlength=256)
    ring = np.concatenate([counts, counts[: 2 * LAG]])
    near = np.convolve(ring, np.ones(2 * LAG + 1, np.int64), "valid")  # within LAG of each distance
    return bool(near.max() >= share * values.size)
