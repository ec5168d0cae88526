"""What lies where in a sweep's folder, beside the folders of its runs."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import filelock

from runner.errors import UserError, wrong
from runner.run_directory import RunDirectory, write_json

RUNNING: Final = "running"
DONE: Final = "done"
FAILED: Final = "failed"
STOPPED: Final = "stopped"
RECORD: Final = "job.json"  # in the folder of each run


@dataclass
class Record:
    """How one run of a sweep stands."""

    state: str  # RUNNING | DONE | FAILED | STOPPED
    began: float  # seconds since the epoch
    host: str
    ended: float | None = None
    reason: str = ""  # one line, of a run that failed

    def write(self, folder: Path) -> None:
        """Writes it to the run's folder: whole, or not at all."""
        write_json(folder / RECORD, asdict(self))

    @classmethod
    def read(cls, folder: Path) -> Record | None:
        """Reads it; None: the run was not started, or its record is damaged."""
        try:
            return cls(**json.loads((folder / RECORD).read_text()))
        except (OSError, ValueError, TypeError):
            return None


class SweepDirectory:
    """The folder of a sweep."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def record(self) -> Path:
        """What was typed, and what names the runs."""
        return self.folder / "sweep.json"

    def read(self) -> dict[str, Any]:
        """Reads ``sweep.json``.

        Raises:
            UserError: There is none, or it is damaged.
        """
        try:
            content = json.loads(self.record.read_text())
            return {"settings": list(content["settings"]), "keys": list(content["keys"])}
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise wrong("sweep.resume", self.folder, "a sweep's folder (no sweep.json)") from error

    def write(self, settings: list[str], keys: list[str]) -> None:
        """Writes ``sweep.json``."""
        write_json(self.record, {"settings": settings, "keys": keys})

    @classmethod
    def make(cls, folder: Path, *, may_rename: bool) -> SweepDirectory:
        """Makes the folder of a new sweep.

        Args:
            folder: Where.
            may_rename: Take ``<folder>-2`` and so on if another sweep has ``folder``.

        Raises:
            UserError: Another sweep has the folder, or it cannot be made.
        """
        number, own = 1, folder
        while (own / "sweep.json").exists():
            if not may_rename:
                raise wrong(
                    "hydra.sweep.dir",
                    folder,
                    f"a new folder (it holds a sweep: go on with sweep.resume={folder})",
                )
            number += 1
            own = folder.with_name(f"{folder.name}-{number}")
        try:
            own.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise wrong(
                "hydra.sweep.dir", folder, f"a folder that can be written to ({error})"
            ) from error
        return cls(own)

    @classmethod
    def find(cls, typed: str) -> SweepDirectory:
        """Returns the sweep to resume; ``last``: the newest below ``runs``.

        Raises:
            UserError: There is none.
        """
        if typed != "last":
            return cls(Path(typed).expanduser())
        sweeps = sorted(Path("runs").glob("**/sweep.json"), key=lambda path: path.stat().st_mtime)
        if not sweeps:
            raise wrong("sweep.resume", "last", "a sweep below runs/ (there is none)")
        return cls(sweeps[-1].parent)

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Holds the sweep for this process.

        Raises:
            UserError: Another process is at it.
        """
        lock = filelock.FileLock(self.folder / ".lock")
        try:
            lock.acquire(timeout=0)
        except filelock.Timeout as error:
            raise UserError(
                f"sweep.resume={self.folder}: expected a sweep that no other process is at"
            ) from error
        try:
            yield
        finally:
            lock.release()

    def ask_to_stop(self) -> None:
        """Asks the runs to save and stop, wherever they are, and those to come not to start."""
        (self.folder / ".stop").touch()

    def ask_no_longer(self) -> None:
        """Takes that back, for the sweep that goes on."""
        (self.folder / ".stop").unlink(missing_ok=True)

    @property
    def stop_asked(self) -> bool:
        """Whether the runs are asked to stop."""
        return (self.folder / ".stop").exists()

    def run(self, name: str) -> RunDirectory:
        """The folder of a run."""
        return RunDirectory(self.folder / name)


def outcome(run: RunDirectory) -> float | None:
    """Mean return of the evaluation at the end; None: the run is not complete."""
    try:
        return float(json.loads(run.result.read_text())["evaluation"]["mean"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def is_resumable(run: RunDirectory) -> bool:
    """Whether there is a checkpoint to go on from."""
    return run.config.is_file() and any(run.checkpoints.glob("*.state.npz"))


def set_aside(run: RunDirectory) -> None:
    """Moves what a run left that cannot be gone on with out of the way of a new start."""
    aside = run.folder.parent / ".set_aside" / f"{run.folder.name}-{time.time_ns()}"
    aside.parent.mkdir(exist_ok=True)
    run.folder.rename(aside)
