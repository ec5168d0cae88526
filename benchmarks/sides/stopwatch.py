"""A keras-rl2 callback that times a fixed number of steps."""

from __future__ import annotations

import time
from typing import Any

from runner.keras_rl2 import Callback


class Stopwatch(Callback):  # type: ignore[misc]
    """Times ``steps`` steps, from the end of step ``start`` on."""

    def __init__(self, start: int, steps: int) -> None:
        super().__init__()
        self._start, self._steps = start, steps
        self._done = 0

    def on_step_end(self, step: int, logs: Any = None) -> None:
        self._done += 1
        if self._done == self._start:
            self._began = time.perf_counter()
        elif self._done == self._start + self._steps:
            self._ended = time.perf_counter()

    @property
    def steps_per_s(self) -> float:
        return self._steps / (self._ended - self._began)
