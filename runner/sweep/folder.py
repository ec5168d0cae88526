"""Layout of a sweep's folder, and the state of its runs."""

from __future__ import annotations

import contextlib
import itertools
import json
import platform
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

import filelock

from runner.errors import UserError, wrong
from runner.files import typed_path
from runner.run_directory import RunDirectory, write_json

RUNNING: Final = "running"
DONE: Final = "done"
FAILED: Final = "failed"
STOPPED: Final = "stopped"
NOT_STARTED: Final = "not started"
LOG: Final = "log.txt"  # in the folder of each run: its output


@dataclass
class Record:
    """State of one run of a sweep: ``job.json`` in its folder."""

    state: str = RUNNING  # RUNNING | DONE | FAILED | STOPPED
    began: float = field(default_factory=time.time)  # seconds since the epoch
    host: str = field(default_factory=platform.node)
    ended: float | None = None
    reason: str = ""  # why the run failed, in one line

    def write(self, run: RunDirectory) -> None:
        """Writes the record to the run's folder, atomically."""
        write_json(run.folder / "job.json", asdict(self))

    @classmethod
    def read(cls, run: RunDirectory) -> Record | None:
        """Reads the record; None: the run was not started, or its record is damaged."""
        try:
            return cls(**json.loads((run.folder / "job.json").read_text()))
        except (OSError, ValueError, TypeError):
            return None


@dataclass(frozen=True)
class SweepDirectory:
    """The folder of a sweep."""

    folder: Path

    @classmethod
    def find(cls, typed: str) -> SweepDirectory:
        """Returns the sweep to resume; ``last``: the newest below ``runs``.

        Raises:
            UserError: There is no sweep.
        """
        if typed != "last":
            return cls(typed_path(typed))
        sweeps = sorted(Path("runs").glob("**/sweep.json"), key=lambda path: path.stat().st_mtime)
        if not sweeps:
            raise wrong("sweep.resume", "last", "a sweep below runs/ (there is none)")
        return cls(sweeps[-1].parent)

    @classmethod
    def unused(cls, folder: Path) -> SweepDirectory:
        """Returns ``folder``, or ``<folder>-2`` and so on if it contains a sweep."""
        numbered = (folder.with_name(f"{folder.name}-{n}") for n in itertools.count(2))
        candidates = map(cls, itertools.chain([folder], numbered))
        return next(directory for directory in candidates if not directory.exists)

    @property
    def record(self) -> Path:
        """File with the settings of the sweep."""
        return self.folder / "sweep.json"

    @property
    def exists(self) -> bool:
        """Whether the folder contains a sweep."""
        return self.record.exists()

    def read(self) -> dict[str, Any]:
        """Reads ``sweep.json``.

        Raises:
            UserError: The file is missing or damaged.
        """
        try:
            content = json.loads(self.record.read_text())
            return {name: list(content[name]) for name in ("settings", "keys", "fixed")}
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise wrong("sweep.resume", self.folder, "a sweep's folder (no sweep.json)") from error

    def write(self, settings: list[str], keys: list[str], fixed: list[str]) -> None:
        """Writes ``sweep.json``: typed settings, swept keys, fixed settings."""
        write_json(self.record, {"settings": settings, "keys": keys, "fixed": fixed})

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Creates the folder and locks it for this process.

        Raises:
            UserError: Another process has locked it, or it cannot be created.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            lock = filelock.FileLock(self.folder / ".lock").acquire(timeout=0)
        except filelock.Timeout as error:
            raise wrong(
                "hydra.sweep.dir", self.folder, "a sweep that no other process is running"
            ) from error
        except OSError as error:
            allowed = f"a folder that can be written to ({error})"
            raise wrong("hydra.sweep.dir", self.folder, allowed) from error
        with lock:
            yield

    def ask_to_stop(self) -> None:
        """Asks running runs on any machine to save and stop, and prevents further starts."""
        (self.folder / ".stop").touch()

    def ask_no_longer(self) -> None:
        """Withdraws the request to stop, for a resumed sweep."""
        (self.folder / ".stop").unlink(missing_ok=True)

    @property
    def stop_asked(self) -> bool:
        """Whether the runs are asked to stop."""
        return (self.folder / ".stop").exists()

    def begun(self) -> list[str]:
        """Names of the started runs, in order of start."""
        names = [path.parent.name for path in self.folder.glob("*/job.json")]
        records = {name: Record.read(self.run(name)) for name in names}
        return sorted(names, key=lambda name: (r.began if (r := records[name]) else 0.0, name))

    def run(self, name: str) -> RunDirectory:
        """The folder of a run."""
        return RunDirectory(self.folder / name)


def state_of(run: RunDirectory) -> str:
    """State of a run; corrects the record of one that was killed, or resumed outside the sweep."""
    record = Record.read(run)
    if record is None:
        return NOT_STARTED if run.score is None else DONE
    if record.state != DONE:
        try:
            with run.locked():
                if run.score is not None:
                    record.state, record.reason = DONE, ""
                elif record.state == RUNNING:
                    record.state = STOPPED
                record.write(run)
        except UserError:
            pass  # a process is running it
    return record.state
