"""Stock keras-rl2 (DQNAgent, SequentialMemory and loop, one environment), through the runner."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.sides import ours
from benchmarks.sides.answer import answer


def measure(overrides: Sequence[str], start: int, steps: int) -> dict[str, float]:
    return ours.measure([*overrides, "agent=keras_rl2", "memory=sequential"], start, steps)


if __name__ == "__main__":
    answer(measure)
