"""A full replay memory: time and space per transition, time per batch."""

from __future__ import annotations

import gc
from typing import Any

import numpy as np
import psutil

from benchmarks.sides.answer import answer
from benchmarks.sides.fill import GAME, VARIETY, fill
from benchmarks.sides.repeated import seconds_per_call

STREAMS = 32  # parallel environments
GROUP = 16  # environments stepped together
UPDATES = 4  # batches drawn together, as with 1 update per 4 steps
BATCH = 32
SHAPES = {"ram": (3, (128,)), "pixel": (4, (84, 84))}  # window, observation


def measure(obs: str, limit: int, memory: str, seconds: float) -> dict[str, float]:
    """Measures ``memory``: ``ours`` or ``keras_rl2``."""
    import runner.tensorflow_setup  # noqa: F401  (silences TensorFlow, which keras-rl2 imports)

    return {"ours": _ours, "keras_rl2": _keras_rl2}[memory](obs, limit, seconds)


def _ours(obs: str, limit: int, seconds: float) -> dict[str, float]:
    from runner.memory.replay import ReplayMemory

    window, shape = SHAPES[obs]
    before = _resident()
    memory = ReplayMemory(limit, window, shape, streams=STREAMS, seed=0)
    fill(memory)
    taken = _resident() - before
    seen = _observations((GROUP, *shape))
    groups = np.arange(STREAMS).reshape(-1, GROUP)
    zeros, nowhere = np.zeros(GROUP), np.zeros(GROUP, np.bool_)
    count = 0

    def append() -> None:
        nonlocal count
        count += 1
        frames = seen[count % VARIETY]
        group = groups[count % len(groups)]
        memory.append_steps(group, frames, zeros, zeros, nowhere, nowhere, frames)

    return {
        "us_per_append": 1e6 * seconds_per_call(append, seconds) / GROUP,
        "us_per_batch": 1e6
        * seconds_per_call(lambda: memory.sample_batches(UPDATES, BATCH), seconds)
        / UPDATES,
        "bytes_per_transition": memory.nbytes / limit,
        "resident_bytes_per_transition": taken / limit,
    }


def _keras_rl2(obs: str, limit: int, seconds: float) -> dict[str, float]:
    from runner.keras_rl2 import SequentialMemory

    window, shape = SHAPES[obs]
    seen = _observations(shape)
    before = _resident()
    memory = SequentialMemory(limit, window_length=window)
    count = 0

    def append() -> None:
        nonlocal count
        count += 1
        # keras-rl2's loop copies every observation.
        memory.append(seen[count % VARIETY].copy(), 0, np.float32(0), count % GAME == 0)

    while memory.nb_entries < limit:
        append()
    taken = _resident() - before
    return {
        "us_per_append": 1e6 * seconds_per_call(append, seconds),
        "us_per_batch": 1e6 * seconds_per_call(lambda: memory.sample(BATCH), seconds),
        "resident_bytes_per_transition": taken / limit,
    }


def _observations(shape: tuple[int, ...]) -> Any:
    return np.random.default_rng(0).integers(256, size=(VARIETY, *shape), dtype=np.uint8)


def _resident() -> int:
    gc.collect()
    return int(psutil.Process().memory_info().rss)


if __name__ == "__main__":
    answer(measure)
