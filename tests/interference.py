"""Emulator processes that are stopped again and again, as on a busy machine."""

from __future__ import annotations

import contextlib
import itertools
import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator

SECONDS = 0.002


@contextlib.contextmanager
def stopped_in_turn() -> Iterator[list[int]]:
    """Within the block one of this process's children after the other stands still.

    Yields:
        The processes that were stopped, one entry for each time.
    """
    stops: list[int] = []
    over = threading.Event()

    def stop_one_after_another() -> None:
        for turn in itertools.count():
            if over.wait(SECONDS):
                return
            children = multiprocessing.active_children()
            if not children:  # not started yet
                continue
            pid = children[turn % len(children)].pid
            assert pid is not None
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGSTOP)
                over.wait(SECONDS)
                os.kill(pid, signal.SIGCONT)
                stops.append(pid)

    thread = threading.Thread(target=stop_one_after_another)
    thread.start()
    try:
        yield stops
    finally:
        over.set()
        thread.join()
