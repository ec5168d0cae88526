"""How a sweep gets on: a line where a run starts and ends; the log of the one that runs alone."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Final

from runner.durations import duration
from runner.sweep.folder import DONE, FAILED, RUNNING, Record, SweepDirectory, outcome
from runner.sweep.job import LOG

LOOK: Final = 0.3  # seconds between two looks at the records


class SweepProgress:
    """Context in which a thread follows the records of the runs, wherever these are made.

    Args:
        directory: The sweep's folder.
        total: Runs of the sweep.
        at_once: Runs at once; None: not known.
    """

    def __init__(self, directory: SweepDirectory, total: int, at_once: int | None) -> None:
        self._directory, self._total = directory, total
        self._at_once, self._shows_logs = at_once, at_once == 1
        self._numbers: dict[str, int] = {}  # of all runs, by name, counted from 1
        self._waiting: list[str] = []  # names of those that have not ended
        self._running: dict[str, float] = {}  # name -> when it began
        self._shown: dict[str, int] = {}  # name -> bytes of its log that were shown
        self._seconds: list[float] = []  # that complete runs took
        self._leave = threading.Event()
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._follow, daemon=True)

    def follow(self, names: Sequence[str], waiting: Sequence[str]) -> None:
        """Counts further runs, and follows those of them that are ``waiting``."""
        with self._lock:
            for name in names:
                self._numbers.setdefault(name, len(self._numbers) + 1)
            for name in waiting:
                log = self._log(name)
                self._shown[name] = log.stat().st_size if log.exists() else 0
                self._waiting.append(name)

    def __enter__(self) -> SweepProgress:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._leave.set()
        self._thread.join()

    def _log(self, name: str) -> Path:
        return self._directory.run(name).folder / LOG

    def _follow(self) -> None:
        while not self._leave.wait(LOOK):
            self._look()
        self._look()

    def _look(self) -> None:
        with self._lock:
            self._look_at_all()

    def _look_at_all(self) -> None:
        for name in list(self._waiting):
            record = Record.read(self._directory.run(name).folder)
            if record is None:
                continue
            if name not in self._running:
                self._running[name] = record.began
                self._say(name, f"started, log {self._log(name)}")
            if self._shows_logs:
                self._show_log(name)
            if record.state != RUNNING:
                self._ended(name, record)

    def _ended(self, name: str, record: Record) -> None:
        took = (record.ended or time.time()) - self._running.pop(name)
        self._waiting.remove(name)
        text = f"{record.state} after {duration(took)}"
        if record.state == DONE:
            self._seconds.append(took)
            text += f", mean {outcome(self._directory.run(name)):.1f}"
        elif record.state == FAILED:
            text += f": {record.reason}"
        if self._to_go and not self._directory.stop_asked:
            text += f" | {self._to_go} to go, ETA {self._time_to_go()}"
        self._say(name, text)

    @property
    def _to_go(self) -> int:
        """Runs that have not ended, those to come included."""
        return self._total - len(self._numbers) + len(self._waiting)

    def _time_to_go(self) -> str:
        if not self._seconds:
            return "-"
        mean, now = sum(self._seconds) / len(self._seconds), time.time()
        left = sum(max(mean - (now - began), 0.0) for began in self._running.values())
        left += mean * (self._to_go - len(self._running))
        return duration(left / (self._at_once or max(len(self._running), 1)))

    def _show_log(self, name: str) -> None:
        try:
            with self._log(name).open("rb") as file:
                file.seek(self._shown[name])
                new = file.read()
        except OSError:
            return  # it is not there yet
        self._shown[name] += len(new)
        sys.stdout.write(new.decode(errors="replace"))
        sys.stdout.flush()

    def _say(self, name: str, text: str) -> None:
        print(f"[{self._numbers[name]}/{self._total}] {name}: {text}", flush=True)
