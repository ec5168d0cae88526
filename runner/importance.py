"""Permutation importance of each byte for the Q-values and the greedy action.

Source: permutation importance (Breiman 2001, https://doi.org/10.1023/A:1010933404324): a byte is
replaced by its value in another sampled state, so that it keeps its distribution but loses its
relation to the rest of the state. The byte is replaced in all observations of the window.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from runner.evaluation import QFunction

BATCH: Final = 256  # states per call: one shape, compiled once
SHUFFLES: Final = 2  # permutations averaged


@dataclass(frozen=True)
class Importance:
    """Importance of each of n bytes.

    Attributes:
        change: (n,) mean absolute change of the Q-values, in units of the mean gap between the best
            and the worst action.
        agreement: (n,) share of the states in which the same action is chosen.
    """

    change: NDArray[np.float64]
    agreement: NDArray[np.float64]

    def order(self) -> list[int]:
        """Indices of the bytes with any effect, most important first."""
        return [int(i) for i in np.argsort(-self.change, kind="stable") if self.change[i] > 0]


def in_batches(q_values: QFunction, windows: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Q-values (N, nb_actions) of ``windows`` (N, ...), ``BATCH`` at a time."""
    short = -len(windows) % BATCH
    padded = np.concatenate([windows, np.repeat(windows[:1], short, axis=0)])
    parts = [q_values(padded[i : i + BATCH]) for i in range(0, len(padded), BATCH)]
    return np.concatenate(parts)[: len(windows)]


def moved(
    windows: NDArray[np.uint8], inputs: Sequence[int], orders: Sequence[NDArray[np.int64]]
) -> NDArray[np.uint8]:
    """``windows`` (N, window, n) with each of ``inputs`` permuted by its order (N,)."""
    changed = windows.copy()
    for i, order in zip(inputs, orders, strict=True):
        changed[:, :, i] = windows[order, :, i]
    return changed


def importance_of_bytes(
    q_values: QFunction,
    windows: NDArray[np.uint8],
    *,
    seed: int,
    tell: Callable[[int], None] = lambda done: None,
) -> Importance:
    """Permutes one byte after another.

    Args:
        q_values: (B, window, n) uint8 -> (B, nb_actions).
        windows: (N, window, n) uint8, states from play.
        seed: Seed of the permutations, which are the same for every byte.
        tell: Called with the number of bytes done.
    """
    true = in_batches(q_values, windows)
    gap = max(float(np.ptp(true, axis=-1).mean()), 1e-9)
    orders = _orders(len(windows), SHUFFLES, seed)
    count = windows.shape[-1]
    best = true.argmax(-1)
    change, agreement = np.zeros(count), np.ones(count)
    for i in range(count):
        if (windows[:, :, i] != windows[0, 0, i]).any():  # a constant changes nothing
            q = [in_batches(q_values, moved(windows, [i], [order])) for order in orders]
            change[i] = np.mean([np.abs(each - true).mean() for each in q]) / gap
            agreement[i] = np.mean([(each.argmax(-1) == best).mean() for each in q])
        tell(i + 1)
    return Importance(change, agreement)


@dataclass(frozen=True)
class Pair:
    """Joint importance of two bytes, which interact if ``apart`` exceeds ``together``.

    Attributes:
        first: Index of the first byte.
        second: Index of the second byte.
        apart: Change if the bytes come from two different states.
        together: Change if both come from the same other state, which keeps their relation.
    """

    first: int
    second: int
    apart: float
    together: float

    @property
    def kept(self) -> float:
        """Share of the change that vanishes if the relation is kept, 0 to 1."""
        return max(0.0, 1.0 - self.together / self.apart) if self.apart > 0 else 0.0


def pairs(
    q_values: QFunction, windows: NDArray[np.uint8], inputs: Sequence[int], *, seed: int
) -> list[Pair]:
    """Compares every pair of ``inputs``, ordered by decreasing interaction."""
    true = in_batches(q_values, windows)
    gap = max(float(np.ptp(true, axis=-1).mean()), 1e-9)
    one, other = _orders(len(windows), 2, seed)
    found = []
    for k, first in enumerate(inputs):
        for second in inputs[k + 1 :]:
            both = [first, second]
            apart, together = (
                np.abs(in_batches(q_values, moved(windows, both, orders)) - true).mean() / gap
                for orders in ([one, other], [one, one])
            )
            found.append(Pair(first, second, float(apart), float(together)))
    return sorted(found, key=lambda pair: pair.together - pair.apart)


def correlation(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    """Pearson correlation of two maps (n,), where either is positive; 0 if one is constant."""
    matters = (one > 0) | (other > 0)
    maps = one[matters], other[matters]
    if any(len(each) < 2 or np.ptp(each) == 0 for each in maps):
        return 0.0
    return float(np.corrcoef(*maps)[0, 1])


def _orders(count: int, number: int, seed: int) -> list[NDArray[np.int64]]:
    generator = np.random.default_rng(seed)
    return [generator.permutation(count) for _ in range(number)]
