"""Transitions of bytes that behave in known ways."""

from __future__ import annotations

import numpy as np

from models.seen import Seen


def moving(*bytes_, count=200, window=3, seed=0):
    """(count, window, n): bytes by kind: ``walk``, ``copy`` (of byte 0), ``clock``, ``still``..."""
    generator = np.random.default_rng(seed)
    start = generator.integers(256, size=(count, 1))
    steps = generator.integers(-4, 5, size=(count, window)).cumsum(axis=1)
    kinds = {
        "walk": lambda: (
            generator.integers(256, size=(count, 1))
            + generator.integers(-4, 5, size=(count, window)).cumsum(axis=1)
        ),
        "copy": lambda: start + steps + 7,
        "clock": lambda: start + np.arange(window),
        "still": lambda: np.full((count, window), 9),
        "flag": lambda: generator.integers(2, size=(count, window)),
    }
    columns = [start + steps, *(kinds[kind]() for kind in bytes_)]
    return (np.stack(columns, axis=-1) % 256).astype(np.uint8)


def seen_in(windows, actions=0, after=None):
    """Transitions of these windows; without ``after``, no byte changes."""
    after = windows[:, -1] if after is None else after
    return Seen(windows, np.broadcast_to(np.int32(actions), len(windows)), after)


def one_byte(values, lasting=10):
    """Transitions of one byte that takes these values in turn, each for some steps."""
    path = np.repeat(np.asarray(values, np.uint8), lasting)
    return seen_in(path[:-1, None, None], after=path[1:, None])


LANES = [0, 22, 86, 0, 150, 22] * 20  # 0b00010110, 0b01010110, 0b10010110


def in_nibbles(path):
    """The bytes whose pixels are ``path``: the inverse of ``pixels``."""
    delays = (path + 7) // 15
    return ((15 * delays - path) % 16 * 16 + delays).astype(np.uint8)
