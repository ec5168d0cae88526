"""Progress of a sweep: a line per start and end of a run, and the log of a run without others."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Sequence
from typing import Final

from runner.durations import duration
from runner.sweep.folder import DONE, FAILED, LOG, RUNNING, Record, SweepDirectory

LOOK: Final = 0.3  # seconds between reads of the records


class SweepProgress:
    """Context in which a thread follows the records of the runs, on any machine.

    Args:
        directory: The sweep's folder.
        names: Names of its runs; for a search, of earlier runs.
        total: Number of runs of the sweep.
        at_once: Number of parallel runs; None: unknown.
    """

    def __init__(
        self, directory: SweepDirectory, names: Sequence[str], total: int, at_once: int | None
    ) -> None:
        self._directory, self._total, self._at_once = directory, total, at_once
        self._numbers = {name: number for number, name in enumerate(names, 1)}
        runs = {name: directory.run(name) for name in names}
        self._last = {name: Record.read(run) for name, run in runs.items()}
        self._to_go = total - sum(run.score is not None for run in runs.values())
        self._running: dict[str, float] = {}  # name -> start time
        logs = {name: run.folder / LOG for name, run in runs.items()}
        self._shown = {name: log.stat().st_size for name, log in logs.items() if log.exists()}
        self._seconds: list[float] = []  # durations of complete runs
        self._leave = threading.Event()
        self._thread = threading.Thread(target=self._follow, daemon=True)

    def __enter__(self) -> SweepProgress:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._leave.set()
        self._thread.join()

    def _follow(self) -> None:
        leave = False
        while not leave:
            leave = self._leave.wait(LOOK)
            for name in self._directory.begun():
                # A folder may disappear or a terminal be closed without ending the sweep.
                with contextlib.suppress(OSError):
                    self._look(name)

    def _look(self, name: str) -> None:
        run = self._directory.run(name)
        record, last = Record.read(run), self._last.get(name)
        if record is None or (record == last and name not in self._running):
            return
        if name not in self._running:
            self._numbers.setdefault(name, len(self._numbers) + 1)
            self._running[name] = record.began
            self._say(name, f"started, log {run.folder / LOG}")
        if self._at_once == 1:
            self._show_log(name)
        if record.state != RUNNING:
            self._last[name] = record
            self._end(name, record)

    def _end(self, name: str, record: Record) -> None:
        took = (record.ended or time.time()) - self._running.pop(name)
        mean = self._directory.run(name).score
        text = f"{record.state} after {duration(took)}"
        if record.state == DONE and mean is not None:
            self._seconds.append(took)
            text += f", mean {mean:.1f}"
        elif record.state == FAILED:
            text += f": {record.reason}"
        self._to_go -= 1
        if self._to_go > 0 and not self._directory.stop_asked:
            text += f" | {self._to_go} to go, ETA {self._time_left()}"
        self._say(name, text)

    def _time_left(self) -> str:
        if not self._seconds:
            return "-"
        mean, now = sum(self._seconds) / len(self._seconds), time.time()
        left = sum(max(mean - (now - began), 0.0) for began in self._running.values())
        left += mean * (self._to_go - len(self._running))
        return duration(left / (self._at_once or max(len(self._running), 1)))

    def _show_log(self, name: str) -> None:
        with (self._directory.run(name).folder / LOG).open("rb") as file:
            if file.seek(0, os.SEEK_END) < self._shown.get(name, 0):
                self._shown[name] = 0  # the run was restarted, with a new log
            file.seek(self._shown.get(name, 0))
            new = file.read().decode(errors="replace")
            self._shown[name] = file.tell()
        print(new, end="", flush=True)

    def _say(self, name: str, text: str) -> None:
        print(f"[{self._numbers[name]}/{self._total}] {name}: {text}", flush=True)
