"""The progress line: rewritten on a terminal, dated lines elsewhere."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable
from typing import Any, TextIO

from runner.callbacks.games import LOOK_AT_CLOCK_EVERY, Story
from runner.durations import duration
from runner.keras_rl2 import Callback
from runner.live_line import LiveLine


class Progress(Callback):  # type: ignore[misc]
    """Shows steps, percent, steps/s, remaining time, mean return, epsilon and loss.

    Args:
        nb_steps: The step at which training ends.
        interval: Seconds between lines if the output is not a terminal.
        story: Counters of the training; called before this callback.
        seconds_left: Seconds until a time limit ends training; None: no time limit.
        stream: Output stream.
    """

    def __init__(
        self,
        nb_steps: int,
        interval: float,
        story: Story,
        seconds_left: Callable[[], float] | None = None,
        stream: TextIO | None = None,
    ) -> None:
        super().__init__()
        self._nb_steps, self._story, self._averages = nb_steps, story, story.averages()
        self._shown_step: int | None = None
        self._seconds_left = seconds_left or (lambda: math.inf)
        self._line = LiveLine(stream or sys.stdout, interval)
        self._loss = math.nan

    def on_train_begin(self, logs: Any = None) -> None:
        """Starts the clock."""
        self._began = self._line.shown = time.perf_counter()

    def on_step_end(self, step: int, logs: Any = None) -> None:
        """Shows the line if it is due."""
        if self._story.step % LOOK_AT_CLOCK_EVERY == 0:
            now = time.perf_counter()
            if self._line.is_due(now):
                self._show(now)

    def on_train_end(self, logs: Any = None) -> None:
        """Shows the last line and ends it."""
        self._show(time.perf_counter())
        self._line.end()

    def _show(self, now: float) -> None:
        self._line.show(self.line(now), now)
        self._shown_step = self._story.step

    def line(self, now: float) -> str:
        """The line, at ``now`` seconds of ``time.perf_counter``."""
        step, first = self._story.step, self._story.first_step or 0
        shown = first if self._shown_step is None else self._shown_step
        recent = (step - shown) / max(now - self._line.shown, 1e-9)
        overall = (step - first) / max(now - self._began, 1e-9)
        left = max(self._nb_steps - step, 0) / overall if overall else math.inf
        left = min(left, max(self._seconds_left(), 0))
        loss, _ = self._averages.take()
        self._loss = self._loss if math.isnan(loss) else loss
        name, exploration = self._story.exploration
        parts = [
            f"{step:,}/{self._nb_steps:,} steps",
            f"{min(step / self._nb_steps, 1):.0%}",
            f"{recent:,.0f} steps/s",
            f"ETA {duration(left)}",
            f"return {_known(self._story.mean_return, '.1f')}",
            f"eps {_known(exploration, '.3f')}" if name == "epsilon" else f"tau {exploration:.3g}",
            f"loss {_known(self._loss, '.4g')}",
        ]
        return " | ".join(parts)


def _known(value: float, form: str) -> str:
    return "-" if math.isnan(value) else format(value, form)
