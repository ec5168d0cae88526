"""Finds the bytes that behave like positions of objects in transitions of random play.

A position takes many values and moves often, in small changes, in both directions; or it moves in
one direction and wraps around the screen, which is 160 pixels wide. A counter changes by a constant
amount in one direction, modulo 256 or another number; a score has decimal digits; a timer or noise
jumps. Of two bytes that move together, one is kept. Bytes that follow the joystick rank higher:
in Freeway, ten cars take more values than the chicken.

Many games store a horizontal position in the format of the console's video chip (TIA): the low
nibble counts delays of 15 pixels, the high nibble is a motion to the left of -8 to 7 pixels. Read
as numbers, such bytes jump. Source: Wright, Stella Programmer's Guide (1979), HMP0 and RESP0.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.ram import Ram
from models.seen import Seen

LEAST_VALUES: Final = 16
LEAST_MOVING: Final = 0.05  # least share of transitions in which a position changes
STEP: Final = 12  # largest change counted as motion of a position
AROUND: Final = (129, 176)  # span of positions that wrap around the screen: 160 pixels and a margin
DENSE: Final = 0.75  # least share of that span taken as values; decimal digits take fewer
SAME: Final = 0.97  # share that counts as (almost) all
FOLLOWING: Final = 10.0  # weight of the variance explained by the action; players: 0.04 to 0.7
NIBBLES: Final = 0.8  # weight of positions in the TIA's format: often copies of several sprites
NEAR: Final = 0.7  # least share of small changes in the TIA's format
LAG: Final = 8  # largest deviation of a copy that is updated later
COPIED: Final = 0.95  # least share of observations in which a copy agrees
DRAWN: Final = 0.8  # the same in the TIA's format
SHARED: Final = 0.3  # least share of observations in which a sprite that draws several draws one
FAR: Final = 24  # larger changes are clipped: a new game or life


class Position(NamedTuple):
    """Byte ``byte`` of an observation: a number or, with ``nibbles``, in the TIA's format."""

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
    """The bytes that behave most like positions, best first.

    Args:
        seen: Transitions with observations (n,), two or more in a window.
        count: Maximum number of positions.

    Returns:
        At most ``count`` positions, no byte twice; the same for the same transitions.
    """
    windows = seen.windows
    played = np.asarray(windows.any(axis=-1))
    both = played[:, 1:] & played[:, :-1]
    read = in_both_formats(windows)  # (N, F, 2n)
    values = read[played].astype(np.int64)
    moves = changes(read[:, :-1][both], read[:, 1:][both])
    steered = changes(in_both_formats(windows[:, -1]), in_both_formats(seen.after))
    weights = 1.0 + FOLLOWING * share_of_actions(steered, seen.actions)

    n = windows.shape[-1]
    scores = [
        (score if i < n else score_in_nibbles)(values[:, i], moves[:, i]) * weights[i]
        for i in range(2 * n)
    ]
    numbers = [i for i in range(n) if scores[i] > 0.0]
    found: list[int] = []
    for i in sorted(range(2 * n), key=lambda i: (-scores[i], i)):
        if len(found) == count or scores[i] == 0.0:
            break
        if i >= n and draws_several(values[:, i], values[:, numbers]):
            continue
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
    """The share of each byte's variance explained by the action.

    Args:
        moves: (N, n) changes.
        actions: (N,) the action before each change.

    Returns:
        (n,) 0 to 1, corrected for chance (epsilon squared of a one-way analysis of variance); 0
        for constant bytes.
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
    """``score`` for pixels of the TIA's format: weighted down; most changes must be small."""
    if near_share(moves[moves != 0]) < NEAR or is_near_by_chance(values):
        return 0.0
    return NIBBLES * score(values, moves)


def near_share(moves: NDArray[np.int64]) -> float:
    """The share of small changes; 0 without changes."""
    return float((abs(moves) <= STEP).mean()) if moves.size else 0.0


def is_near_by_chance(values: NDArray[np.int64]) -> bool:
    """Whether values at unrelated times are mostly near too: only the high nibble changes."""
    apart = abs((values - np.roll(values, values.size // 2) + 128) % 256 - 128)
    return bool((apart <= STEP).mean() > 0.5)


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


def is_copy(values: NDArray[np.int64], others: NDArray[np.int64], share: float) -> bool:
    """Whether a byte keeps a nearly constant distance from another, in ``share`` of the rows."""
    return bool(follows(values, others).mean() >= share)


def draws_several(values: NDArray[np.int64], others: NDArray[np.int64]) -> bool:
    """Whether a byte follows now one and now another of ``others`` (M, n): a shared sprite."""
    rows = [follows(values, other) for other in others.T]
    drawn = [row for row in rows if row.mean() >= SHARED]
    return bool(drawn) and bool(np.any(drawn, axis=0).mean() >= DRAWN)


def follows(values: NDArray[np.int64], others: NDArray[np.int64]) -> NDArray[np.bool_]:
    """(M,) whether a byte is, within ``LAG``, at its most frequent distance from another."""
    distances = (values - others) % 256
    counts = np.bincount(distances, minlength=256)
    ring = np.concatenate([counts, counts[: 2 * LAG]])
    near = np.convolve(ring, np.ones(2 * LAG + 1, np.int64), "valid")  # within LAG of each
    first = int(near.argmax())
    return np.asarray((distances - first) % 256 <= 2 * LAG)
