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
from collections.abc import Callable, Iterator, Mapping
from multiprocessing import resource_tracker
from types import FrameType
from typing import Any, Final

STOP_WITH_STDIN: Final = "RUNNER_STOP_WITH_STDIN"
EXIT_CODES: Final = {signal.SIGINT: 130, signal.SIGTERM: 143}
if hasattr(signal, "SIGHUP"):  # the terminal or its connection was closed; not on Windows
    EXIT_CODES[signal.SIGHUP] = 129


class Interrupts:
    """Context in which the first signal calls ``stop`` and a second ends the process.

    In another thread than the main one, which alone may set handlers, signals are left as they are.

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
        handlers: dict[signal.Signals, Any] = {
            number: self._handle
            for number in EXIT_CODES
            if number in (signal.SIGINT, signal.SIGTERM)
            or signal.getsignal(number) != signal.SIG_IGN  # nohup
        }
        if hasattr(signal, "SIGUSR1"):  # not on Windows
            handlers[signal.SIGUSR1] = lambda *_: self._save()
        self._before = _set(handlers)
        if hasattr(signal, "SIGUSR1") and self._before.get(signal.SIGUSR1) == signal.SIG_DFL:
            # After the training there is nothing to save, and the warning must not end the run.
            self._before[signal.SIGUSR1] = signal.SIG_IGN
        if os.environ.get(STOP_WITH_STDIN):
            threading.Thread(target=self._stop_with_stdin, daemon=True).start()
        return self

    def __exit__(self, *error: object) -> None:
        _set(self._before)
        self._before = {}


@contextlib.contextmanager
def ended_by_signals() -> Iterator[None]:
    """Makes SIGTERM and SIGHUP end the block like Ctrl-C, with cleanup."""

    def end(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt(EXIT_CODES[signal.Signals(number)])

    # Not SIGINT, nor under nohup.
    before = _set({n: end for n in EXIT_CODES if signal.getsignal(n) == signal.SIG_DFL})
    try:
        yield
    finally:
        _set(before)


@contextlib.contextmanager
def postponed() -> Iterator[None]:
    """Handles the first signal at the end of the block; a second is handled immediately.

    For the import of native code, which may abort if a handler raises an error.
    """
    received: list[int] = []

    def note(number: int, frame: FrameType | None) -> None:
        if received:
            _set(before)
            signal.raise_signal(number)
        received.append(number)

    # Handlers set outside Python (None) could not be restored.
    before = {n: h for n in EXIT_CODES if callable(h := signal.getsignal(n))}
    _set(dict.fromkeys(before, note))
    try:
        yield
    finally:
        _set(before)
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


def _set(handlers: Mapping[signal.Signals, Any]) -> dict[signal.Signals, Any]:
    """Sets handlers of signals, which only the main thread may; returns those before."""
    if threading.current_thread() is not threading.main_thread():
        return {}
    return {number: signal.signal(number, handler) for number, handler in handlers.items()}


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
        stream = getattr(sys, name)
        if os.isatty(number) and stream is getattr(sys, f"__{name}__"):  # not redirected
            raw = io.BufferedWriter(_Terminal(number, "w", closefd=False))
            wrapped = io.TextIOWrapper(raw, stream.encoding, stream.errors, line_buffering=True)
            setattr(sys, name, wrapped)
