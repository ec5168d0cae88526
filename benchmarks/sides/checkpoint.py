"""Cost of a checkpoint with a full replay memory: seconds and bytes for new entries."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

import numpy as np

from benchmarks.sides.answer import answer
from benchmarks.sides.fill import fill

STREAMS = 32  # parallel environments
# Window, observation, and number of weights: a checkpoint contains the weights four times (online
# network, target network, and Adam's two moments).
SHAPES = {"ram": (3, (128,), 263_687), "pixel": (4, (84, 84), 1_688_000)}


def measure(obs: str, limit: int, interval: int) -> dict[str, float]:
    """Saves a full memory of ``limit``, then the new entries of ``interval`` more steps."""
    import runner.tensorflow_setup  # noqa: F401  (silences TensorFlow, which keras-rl2 imports)
    from runner.checkpoint.store import CheckpointStore
    from runner.memory.replay import ReplayMemory

    window, shape, weights = SHAPES[obs]
    memory = ReplayMemory(limit, window, shape, streams=STREAMS, seed=0)
    fill(memory)
    state = {"weights": np.zeros(4 * weights, np.float32)}
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as folder:
        store = CheckpointStore(Path(folder) / "checkpoints", memory, keep=2, run_id="benchmark")
        began = time.perf_counter()
        store.save(0, state)
        first = time.perf_counter() - began
        before = set(Path(folder).rglob("*.npz"))
        streams, zeros = np.arange(STREAMS), np.zeros(STREAMS)
        nowhere = np.zeros(STREAMS, np.bool_)
        seen = np.random.default_rng(1).integers(256, size=(STREAMS, *shape), dtype=np.uint8)
        for _ in range(interval // STREAMS):
            memory.append_steps(streams, seen, zeros, zeros, nowhere, nowhere, seen)
        began = time.perf_counter()
        store.save(interval, state)
        seconds = time.perf_counter() - began
        new = set(Path(folder).rglob("*.npz")) - before
        return {
            "seconds": seconds,
            "megabytes": sum(path.stat().st_size for path in new) / 1e6,
            "seconds_of_the_first": first,
            "megabytes_kept": sum(p.stat().st_size for p in Path(folder).rglob("*.npz")) / 1e6,
        }


if __name__ == "__main__":
    answer(measure)
