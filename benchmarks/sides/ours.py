"""The project's agent, or stock keras-rl2's in the runner: steps per second during learning."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from benchmarks.sides.answer import answer
from benchmarks.sides.training import train


def measure(
    overrides: Sequence[str], start: int, steps: int, full: bool = False
) -> dict[str, float]:
    """Times ``steps`` steps after step ``start``; ``full``: with a full replay memory."""

    def stopwatch() -> Any:
        from benchmarks.sides.stopwatch import Stopwatch

        return Stopwatch(start, steps)

    watch = train([*overrides, f"train.steps={start + steps}"], stopwatch, full)
    return {"steps_per_s": watch.steps_per_s}


if __name__ == "__main__":
    answer(measure)
