"""Reads runs for the report: whole, unfinished or broken ones, each as far as it got."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from runner.errors import UserError, wrong
from runner.run_directory import RunDirectory
from runner.settings import saved

Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class Games:
    """The training games of a run, in the order in which they ended; each array is (games,)."""

    steps: Numbers
    frames: Numbers
    seconds: Numbers
    points: Numbers


@dataclass(frozen=True)
class Run:
    """One run directory.

    Attributes:
        folder: Where it is.
        settings: By dotted name, ``agent.gamma``; empty if they cannot be read.
        games: From ``metrics.csv``.
        evaluations: Steps and mean points, from ``evaluations.csv``; (2, evaluations).
        result: ``result.json``; None unless the run is finished.
        problem: Why it is not finished, where that is known.
    """

    folder: Path
    settings: dict[str, Any]
    games: Games
    evaluations: Numbers = field(default_factory=lambda: np.zeros((2, 0)))
    result: dict[str, Any] | None = None
    problem: str | None = None

    @property
    def finished(self) -> bool:
        """Whether it came to its end."""
        return self.result is not None

    @property
    def game(self) -> str:
        """ALE's name of the game."""
        return str(self.settings.get("env.game", "unknown"))

    @property
    def seed(self) -> Any:
        """Of everything random."""
        return self.settings.get("seed")

    @property
    def step(self) -> int:
        """The last step that is known of."""
        if self.result is not None:
            return int(self.result["steps"])
        return int(max([0, *self.games.steps[-1:], *self.evaluations[0, -1:]]))

    @property
    def score(self) -> float | None:
        """Mean points of the final evaluation; None if there was none."""
        return None if self.result is None else float(self.result["evaluation"]["mean"])


def find_runs(folders: Sequence[Path]) -> list[Run]:
    """Reads every run in and below ``folders``, each once.

    Raises:
        UserError: A folder does not exist, or there is no run in any of them.
    """
    for folder in folders:
        if not folder.is_dir():
            raise wrong("compare", folder, "a folder with runs (no such folder)")
    found = {path.resolve(): path for folder in folders for path in _run_folders(folder)}
    if not found:
        names = ", ".join(map(str, folders))
        raise UserError(f"compare={names}: expected a folder with runs (no config.yaml below it)")
    return [read_run(path) for path in found.values()]


def _run_folders(top: Path) -> Iterator[Path]:
    for parent, below, files in os.walk(top):
        if not {"config.yaml", "job.json"}.isdisjoint(files):
            below.clear()  # a run holds no other runs
            yield Path(parent)
        else:
            below[:] = sorted(name for name in below if not name.startswith("."))


def read_run(folder: Path) -> Run:
    """Reads one run directory; what is missing or broken in it is left out and named."""
    place = RunDirectory(folder)
    games = Games(*_columns(place.metrics, ("step", "frames", "wall_time", "episode_return")))
    evaluations = _columns(place.evaluations, ("step", "mean"))
    try:
        settings = saved.read_plain(place.config)
    except UserError as error:
        return Run(folder, {}, games, evaluations, problem=_reason(folder) or str(error))
    result, problem = _result(place.result)
    problem = problem or _reason(folder)
    return Run(folder, settings, games, evaluations, result, None if result else problem)


def _result(path: Path) -> tuple[dict[str, Any] | None, str | None]:
    try:
        result = json.loads(path.read_text())
        float(result["evaluation"]["mean"]), int(result["steps"])
    except FileNotFoundError:
        return None, None
    except (OSError, ValueError, TypeError, LookupError) as error:
        return None, f"its {path.name} cannot be read ({type(error).__name__})"
    return result, None


def _reason(folder: Path) -> str | None:
    """Why a run failed, as its sweep wrote it down."""
    try:
        job = json.loads((folder / "job.json").read_text())
        return str(job["reason"]) or None
    except (OSError, ValueError, TypeError, LookupError):
        return None


def _columns(path: Path, names: Iterable[str]) -> Numbers:
    """Returns the columns ``names`` as (columns, rows); a line that was cut off is left out."""
    names = list(names)
    rows = []
    if path.is_file():
        with path.open(newline="", errors="replace") as file:
            for row in csv.DictReader(file):
                try:
                    rows.append([float(row[name]) for name in names])
                except (KeyError, TypeError, ValueError):
                    continue
    return np.array(rows, float).reshape(-1, len(names)).T
