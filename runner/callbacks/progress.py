"""Where the run stands: one line that is rewritten on a terminal, dated lines elsewhere."""

from __future__ import annotations

import math
import shutil
import sys
import time
from collections.abc import Callable
from typing import Any, Final, TextIO

from runner.callbacks.control import LOOK_AT_CLOCK_EVERY
from runner.callbacks.games import GameFollower
from runner.durations import duration

REFRESH: Final = 0.5  # seconds between two updates of the line on a terminal


class Progress(GameFollower):
    """Shows steps, percent, steps/s, time to go, mean return, epsilon and loss.

    Args:
        nb_steps: The step at which training ends.
        interval: Seconds between two lines where there is no terminal.
        start_step: The step to count from.
        seconds_left: Tells when the training will end if it has not by then; None: it will not.
        stream: Where to.
    """

    def __init__(
        self,
        nb_steps: int,
        interval: float,
        start_step: int = 0,
        seconds_left: Callable[[], float] | None = None,
        stream: TextIO | None = None,
    ) -> None:
        super().__init__(start_step)
        self._nb_steps, self._start_step = nb_steps, start_step
        self._seconds_left = seconds_left or (lambda: math.inf)
        self._stream = stream or sys.stdout
        self._live = self._stream.isatty()
        self._every = REFRESH if self._live else interval
        self._loss = math.nan

    def on_train_begin(self, logs: Any = None) -> None:
        """Starts the clock."""
        self._began = self._shown = time.perf_counter()
        self._shown_step = self.step

    def set_state(self, state: dict[str, Any]) -> None:
        """Goes on from ``get_state``: speed and time to go are of what is done from here."""
        super().set_state(state)
        self._start_step = self._shown_step = self.step

    def on_step_end(self, step: int, logs: Any = None) -> None:
        """Shows a line if it is time."""
        super().on_step_end(step, logs)
        if self.step % LOOK_AT_CLOCK_EVERY == 0:
            now = time.perf_counter()
            if now - self._shown >= self._every:
                self._show(now)

    def on_train_end(self, logs: Any = None) -> None:
        """Shows the last line, and leaves it."""
        self._show(time.perf_counter())
        if self._live:
            self._stream.write("\n")
            self._stream.flush()

    def _show(self, now: float) -> None:
        line = self.line(now)
        if self._live:
            width = shutil.get_terminal_size().columns - 1
            self._stream.write("\r\x1b[2K" + line[:width])
        else:
            self._stream.write(time.strftime("%Y-%m-%d %H:%M:%S ") + line + "\n")
        self._stream.flush()
        self._shown, self._shown_step = now, self.step

    def line(self, now: float) -> str:
        """The line, at ``now`` seconds of ``time.perf_counter``."""
        recent = (self.step - self._shown_step) / max(now - self._shown, 1e-9)
        overall = (self.step - self._start_step) / max(now - self._began, 1e-9)
        left = max(self._nb_steps - self.step, 0) / overall if overall else math.inf
        left = min(left, max(self._seconds_left(), 0))
        loss, _ = self.averages()
        self._loss = self._loss if math.isnan(loss) else loss
        name, exploration = self.exploration
        parts = [
            f"{self.step:,}/{self._nb_steps:,} steps",
            f"{min(self.step / self._nb_steps, 1):.0%}",
            f"{recent:,.0f} steps/s",
            f"ETA {duration(left)}",
            f"return {_known(self.mean_return, '.1f')}",
            f"eps {_known(exploration, '.3f')}" if name == "epsilon" else f"tau {exploration:.3g}",
            f"loss {_known(self._loss, '.4g')}",
        ]
        return " | ".join(parts)


def _known(value: float, form: str) -> str:
    return "-" if math.isnan(value) else format(value, form)
