"""Ctrl-C and SIGTERM: the first asks the run to stop, the second leaves at once.

SIGUSR1, SLURM's warning that the time is nearly up, asks for a checkpoint; the run goes on. A run
that another process started with ``STOP_WITH_STDIN`` in its environment is asked to stop when its
standard input ends: closed by that process, or because that process is gone.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Any

STOP_WITH_STDIN = "RUNNER_STOP_WITH_STDIN"
EXIT_CODES = {signal.SIGINT: 130, signal.SIGTERM: 143}


class Interrupts:
    """Context in which the first signal calls ``stop`` and a second ends the process.

    Args:
        stop: Asks whatever runs to stop at the next good moment.
        save: Asks it to save a checkpoint.
    """

    def __init__(self, stop: Callable[[], None], save: Callable[[], None]) -> None:
        self._stop, self._save = stop, save
        self._before: dict[signal.Signals, Any] = {}
        self.received: signal.Signals | None = None

    @property
    def exit_code(self) -> int:
        """0, or what the shell expects of a process that the signal ended."""
        return 0 if self.received is None else EXIT_CODES[self.received]

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self.received is not None:
            raise SystemExit(self.exit_code)
        self.received = signal.Signals(number)
        self._stop()

    def _stop_with_stdin(self) -> None:
        while os.read(0, 1):  # not sys.stdin: its lock would be held when Python exits
            pass
        if self._before and self.received is None:
            signal.raise_signal(signal.SIGTERM)

    def __enter__(self) -> Interrupts:
        for number in EXIT_CODES:
            self._before[number] = signal.signal(number, self._handle)
        if hasattr(signal, "SIGUSR1"):  # not on Windows
            self._before[signal.SIGUSR1] = signal.signal(signal.SIGUSR1, lambda *_: self._save())
        if os.environ.get(STOP_WITH_STDIN):
            threading.Thread(target=self._stop_with_stdin, daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._before = {}
