"""Layout of a run directory, with atomic writes."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import filelock

from runner.errors import UserError, wrong
from runner.files import written_whole
from runner.settings import saved
from runner.settings.schema import Config


class RunDirectory:
    """One run's folder. Created by ``claim``.

    Attributes:
        folder: The folder.
        config: The fully resolved configuration.
        metrics: One row per finished game.
        evaluations: One row per evaluation.
        result: The result; exists only if the run is complete.
        weights: Folder of the weights files.
        final_weights: Weights at the end of training.
        best_weights: Weights of the best evaluation so far.
        checkpoints: Folder of the checkpoints.
        videos: Folder of the videos.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.config = folder / "config.yaml"
        self.metrics = folder / "metrics.csv"
        self.evaluations = folder / "evaluations.csv"
        self.result = folder / "result.json"
        self.weights = folder / "weights"
        self.final_weights = self.weights / "final.weights.h5"
        self.best_weights = self.weights / "best.weights.h5"
        self.checkpoints = folder / "checkpoints"
        self.videos = folder / "videos"

    @property
    def score(self) -> float | None:
        """Mean points of the final evaluation; None: the run is not complete."""
        try:
            return float(json.loads(self.result.read_text())["evaluation"]["mean"])
        except (OSError, ValueError, KeyError, TypeError):
            return None

    @property
    def is_resumable(self) -> bool:
        """Whether there is a checkpoint to resume from."""
        return self.config.is_file() and any(self.checkpoints.glob("*.state.npz"))

    def check_resumable(self) -> None:
        """Checks that a resume would not start over: a trained run must have a checkpoint.

        Raises:
            UserError: Training began (a game ended, or weights or a result exist), but there is no
                checkpoint.
        """
        if self.is_resumable:
            return
        is_saved = any(self.weights.glob("*")) or self.result.exists()
        if is_saved or any(map(_has_lines, (self.metrics, self.evaluations))):
            raise UserError(
                f"resume={self.folder}: expected a run with checkpoints (none are in "
                f"{self.checkpoints.name}/; to start from its weights: init_weights=FILE "
                "start_step=STEP)"
            )

    def identity(self) -> str:
        """Returns the run id that its checkpoints carry; random for a run without checkpoints."""
        path = self.folder / "run_id.txt"
        if not path.exists() and not any(self.checkpoints.glob("step_*")):
            with written_whole(path) as file:
                file.write(f"{uuid.uuid4().hex}\n".encode())
        return path.read_text(errors="replace").strip() if path.is_file() else "lost"

    @contextlib.contextmanager
    def locked(self, patience: float = 0) -> Iterator[None]:
        """Locks the directory for this process; the lock of a killed process is released.

        Args:
            patience: Seconds to wait for another process to release it.

        Raises:
            UserError: Another process has locked it.
        """
        try:
            lock = filelock.FileLock(self.folder / ".lock").acquire(timeout=patience)
        except filelock.Timeout as error:
            raise UserError(
                f"resume={self.folder}: expected a run that no other process is running"
            ) from error
        with lock:
            yield

    @property
    def weights_pattern(self) -> str:
        """Template of the interval checkpoints, for keras-rl2's ModelIntervalCheckpoint."""
        return str(self.weights).replace("{", "{{").replace("}", "}}") + "/step_{step}.weights.h5"

    @classmethod
    def claim(cls, folder: Path, config: Config, *, may_rename: bool) -> RunDirectory:
        """Creates the folder of a new run, and writes its settings there.

        Args:
            folder: The folder.
            config: The run's settings.
            may_rename: Use ``<folder>-2`` and so on if another run has ``folder``.

        Raises:
            UserError: Another run has the folder, which is unchanged, or it cannot be written to.
        """
        number = 1
        while True:
            name = folder.name if number == 1 else f"{folder.name}-{number}"
            run = cls(folder.with_name(name))
            try:
                run.folder.mkdir(parents=True, exist_ok=True)
                if run.config.exists():
                    raise FileExistsError(run.config)
                run.weights.mkdir()
                run.write_config(config)
                return run
            except FileExistsError as error:
                if not may_rename:
                    raise UserError(
                        f"hydra.run.dir={folder}: expected a new folder (it already contains a run)"
                    ) from error
                number += 1
            except OSError as error:
                with contextlib.suppress(OSError):  # with weights/ it would look like a run
                    run.weights.rmdir()
                raise UserError(
                    f"hydra.run.dir={folder}: expected a folder that can be written to ({error})"
                ) from error

    @classmethod
    def find(cls, path: Path) -> tuple[RunDirectory, Path]:
        """Returns the run at ``path``, and its weights file.

        Args:
            path: A run directory (its final weights, or its newest), or one of its weights files.

        Raises:
            UserError: There is no run or no weights file.
        """
        if path.is_dir():
            run = cls(path)
            if not run.config.is_file():
                raise wrong("run", path, "a run directory or a weights file (no config.yaml in it)")
            if run.final_weights.is_file():
                return run, run.final_weights
            saved = sorted(run.weights.glob("step_*.weights.h5"), key=_step_of)
            if not saved:
                raise wrong("run", path, "a run directory with weights (none were saved)")
            return run, saved[-1]
        if not path.is_file():
            raise wrong("run", path, "a run directory or a weights file (no such file)")
        for parent in path.absolute().parents[:2]:
            if cls(parent).config.is_file():
                return cls(parent), path
        raise wrong("run", path, "a weights file in its run directory (no config.yaml above it)")

    def read_config(self) -> Config:
        """Reads the run's settings.

        Raises:
            UserError: This is not a run directory.
        """
        return saved.read(self.config)

    def write_config(self, config: Config) -> None:
        """Writes the run's settings atomically."""
        with written_whole(self.config) as file:
            file.write(saved.as_yaml(config))

    def reopen(self, config: Config) -> None:
        """Marks a resumed run as incomplete: its final weights become those of a step.

        Args:
            config: Its new settings.
        """
        self.write_config(config)
        if self.result.is_file():
            try:
                step = int(json.loads(self.result.read_text())["steps"])
            except (ValueError, TypeError, LookupError, OverflowError):
                step = 0  # damaged
            if self.final_weights.is_file():
                os.replace(self.final_weights, self.weights / f"step_{step}.weights.h5")
            self.result.unlink()

    def write_result(self, result: dict[str, Any]) -> None:
        """Writes ``result.json`` atomically."""
        write_json(self.result, result)


def write_json(path: Path, content: dict[str, Any]) -> None:
    """Writes ``content`` to ``path`` atomically."""
    with written_whole(path) as file:
        file.write((json.dumps(content, indent=2) + "\n").encode())


def _has_lines(path: Path) -> bool:
    """Whether a CSV file has rows below its header."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return len(list(itertools.islice(file, 2))) == 2


def _step_of(weights: Path) -> int:
    digits = weights.name.removeprefix("step_").removesuffix(".weights.h5")
    return int(digits) if digits.isdigit() else -1
