"""Fills a replay memory with random observations, in games of about 700 steps."""

from __future__ import annotations

from typing import Any

import numpy as np

GAME = 700  # steps
VARIETY = 64  # different random observations per environment


def fill(memory: Any) -> None:
    """Fills ``memory``, a ``ReplayMemory``."""
    generator = np.random.default_rng(0)
    shape = (VARIETY, memory.streams, *memory.observation_shape)
    observations = generator.integers(256, size=shape, dtype=np.uint8)
    streams, zeros = np.arange(memory.streams), np.zeros(memory.streams)
    while memory.written.min() < memory.capacity:
        seen = observations[int(memory.written[0]) % VARIETY]
        ends = generator.random(memory.streams) < 1 / GAME
        memory.append_steps(streams, seen, zeros, zeros, ends, ends, seen)
