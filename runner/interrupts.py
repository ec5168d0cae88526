"""Signals: the first Ctrl-C, SIGTERM or SIGHUP stops the run cleanly, the second immediately.

SIGUSR1, SLURM's warning before the time limit, requests a checkpoint; the run continues. A run
started with ``STOP_WITH_STDIN`` in its environment stops when its standard input ends, because the
parent process closed it or has ended.
"""

from __future__ import annotations

import contextlib
import errno
import io
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from multiprocessing import resource_tracker
from types import FrameType
from typing import Any, Final

STOP_WITH_STDIN: Final = "RUNNER_STOP_WITH_STDIN"
EXIT_CODES: Final = {signal.SIGINT: 130, signal.SIGTERM: 143}
if hasattr(signal, "SIGHUP"):  # the terminal or its connection was closed; not on Windows
    EXIT_CODES[signal.SIGHUP] = 129


class Interrupts:
    """Context in which the first signal calls ``stop`` and a second ends the process.

    Args:
        stop: Requests a clean stop.
        save: Requests a checkpoint.
    """

    def __init__(self, stop: Callable[[], None], save: Callable[[], None]) -> None:
        self._stop, self._save = stop, save
        self._before: dict[signal.Signals, Any] = {}
        self.received: signal.Signals | None = None

    @property
    def exit_code(self) -> int:
        """0, or the shell's exit code for a process ended by the signal."""
        return 0 if self.received is None else EXIT_CODES[self.received]

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self.received is not None:
            raise SystemExit(self.exit_code)
        self.received = signal.Signals(number)
        self._stop()

    def _stop_with_stdin(self) -> None:
        while os.read(0, 1):  # not sys.stdin, whose lock would be held when Python exits
            pass
        if self._before and self.received is None:
            signal.raise_signal(signal.SIGTERM)

    def __enter__(self) -> Interrupts:
        outlive_the_terminal()
        _mask("SIG_UNBLOCK")
        for number in EXIT_CODES:
            before = signal.getsignal(number)
            if number in (signal.SIGINT, signal.SIGTERM) or before != signal.SIG_IGN:  # nohup
                self._before[number] = signal.signal(number, self._handle)
        if hasattr(signal, "SIGUSR1"):  # not on Windows
            before = signal.signal(signal.SIGUSR1, lambda *_: self._save())
            # After the training there is nothing to save, and the warning must not end the run.
            self._before[signal.SIGUSR1] = signal.SIG_IGN if before == signal.SIG_DFL else before
        if os.environ.get(STOP_WITH_STDIN):
            threading.Thread(target=self._stop_with_stdin, daemon=True).start()
        return self

    def __exit__(self, *error: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._before = {}


@contextlib.contextmanager
def ended_by_signals() -> Iterator[None]:
    """Makes SIGTERM and SIGHUP end the block like Ctrl-C, with cleanup."""

    def end(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt(EXIT_CODES[signal.Signals(number)])

    before = {}
    if threading.current_thread() is threading.main_thread():  # only it may set handlers
        for number in EXIT_CODES:
            if signal.getsignal(number) == signal.SIG_DFL:  # not SIGINT, nor under nohup
                before[number] = signal.signal(number, end)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextlib.contextmanager
def postponed() -> Iterator[None]:
    """Handles the first signal at the end of the block; a second is handled immediately.

    For the import of native code, which may abort if a handler raises an error.
    """
    received: list[int] = []

    def note(number: int, frame: FrameType | None) -> None:
        if received:
            restore()
            signal.raise_signal(number)
        received.append(number)

    def restore() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)

    before = {}
    if threading.current_thread() is threading.main_thread():  # only it may set handlers
        # Handlers set outside Python (None) could not be restored.
        before = {n: h for n in EXIT_CODES if callable(h := signal.getsignal(n))}
        for number in before:
            signal.signal(number, note)
    try:
        yield
    finally:
        restore()
        if received:
            signal.raise_signal(received[0])


@contextlib.contextmanager
def children_spared() -> Iterator[None]:
    """Blocks the terminal's signals, sent to the whole process group, in processes started here.

    This process receives them in another thread, which must have been started before.
    """
    if hasattr(signal, "pthread_sigmask"):  # not on Windows
        resource_tracker.ensure_running()  # its start would unblock them
    _mask("SIG_BLOCK")  # inherited by child processes
    try:
        yield
    finally:
        _mask("SIG_UNBLOCK")


def _mask(how: str) -> None:
    if hasattr(signal, "pthread_sigmask"):  # not on Windows
        signal.pthread_sigmask(getattr(signal, how), (signal.SIGINT, signal.SIGHUP))


class _Terminal(io.FileIO):
    """An open terminal; writes after it was closed are dropped without an error."""

    def write(self, data: Any) -> int:
        try:
            return super().write(data) or 0
        except OSError as error:
            if error.errno != errno.EIO:
                raise
            return len(data)


def outlive_the_terminal() -> None:
    """Keeps ``print`` from failing when the terminal is closed, so that the run can save."""
    for name, number in (("stdout", 1), ("stderr", 2)):
        if os.isatty(number) and getattr(sys, name).fileno() == number:
            raw = io.BufferedWriter(_Terminal(number, "w", closefd=False))
            stream = getattr(sys, name)
            wrapped = io.TextIOWrapper(raw, stream.encoding, stream.errors, line_buffering=True)
            setattr(sys, name, wrapped)
