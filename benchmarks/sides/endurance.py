"""A long run: compares speed and memory use late in the run with those early in it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import psutil

from benchmarks.sides.answer import answer
from benchmarks.sides.training import train


def measure(
    overrides: Sequence[str], early: Sequence[float], late: Sequence[float], seconds: float
) -> dict[str, float]:
    """Runs for ``seconds``; ``early`` and ``late``: first and last second of the two spans."""
    times = [*early, *late, seconds]

    def laps() -> Any:
        from runner.keras_rl2 import Callback

        class Laps(Callback):  # type: ignore[misc]
            def on_train_begin(self, logs: Any = None) -> None:
                self.began, self.steps = time.perf_counter(), 0
                self.seen: list[tuple[float, int, float]] = []  # seconds, steps, resident MB

            def on_step_end(self, step: int, logs: Any = None) -> None:
                self.steps += 1
                passed = time.perf_counter() - self.began
                if len(self.seen) < len(times) and passed >= times[len(self.seen)]:
                    self.seen.append((passed, self.steps, _resident_mb()))
                    self.model.stop_training = len(self.seen) == len(times)

        return Laps()

    seen = train([*overrides, "train.steps=1000000000"], laps).seen
    return {
        "early_steps_per_s": _rate(*seen[0:2]),
        "late_steps_per_s": _rate(*seen[2:4]),
        "early_resident_mb": seen[1][2],
        "late_resident_mb": seen[3][2],
    }


def _rate(first: tuple[float, int, float], last: tuple[float, int, float]) -> float:
    return (last[1] - first[1]) / (last[0] - first[0])


def _resident_mb() -> float:
    """Resident memory of this process and its emulators."""
    this = psutil.Process()
    return sum(p.memory_info().rss for p in [this, *this.children(recursive=True)]) / 1e6


if __name__ == "__main__":
    answer(measure)
