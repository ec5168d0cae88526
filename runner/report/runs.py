"""Reads runs for the report: finished, unfinished or broken."""

from __future__ import annotations

import csv
import json
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np

from models.setting import LONGEST, short
from runner.errors import UserError, reason, wrong
from runner.report.statistics import Numbers
from runner.run_directory import RunDirectory
from runner.scores import interval_of_mean
from runner.settings import saved

MOST: Final = 1e15  # larger numbers are file errors
MAX_BYTES: Final = 500_000_000  # largest file of a run
# Entries of ``result.json``, by dotted name. The first two are required.
RESULTS: Final = (
    "steps", "evaluation.mean", "frames", "train_seconds", "steps_per_second", "memory_bytes",
    "evaluation.episodes", "evaluation.epsilon", "evaluation.std", "evaluation.min",
    "evaluation.max",
)  # fmt: skip


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
        folder: The run's folder.
        settings: By dotted name, ``agent.gamma``; empty if they cannot be read.
        games: From ``metrics.csv``.
        evaluations: Steps and mean points, from ``evaluations.csv``; (2, evaluations).
        result: The numbers ``RESULTS`` of ``result.json``; empty unless the run is finished.
        places: RAM bytes that the network identified as positions, if recorded.
        problem: Why the run is not finished, if known.
    """

    folder: Path
    settings: dict[str, Any] = field(default_factory=dict)
    games: Games = field(default_factory=lambda: Games(*np.zeros((4, 0))))
    evaluations: Numbers = field(default_factory=lambda: np.zeros((2, 0)))
    result: dict[str, float] = field(default_factory=dict)
    places: Sequence[str] = ()
    problem: str | None = None

    @property
    def finished(self) -> bool:
        """Whether the run is finished."""
        return bool(self.result)

    @property
    def game(self) -> str:
        """ALE's name of the game."""
        return str(self.settings.get("env.game", "unknown"))

    @property
    def seed(self) -> str:
        """The random seed."""
        return shown(self.settings.get("seed"))

    @property
    def step(self) -> int:
        """The last known step."""
        known = [*self.games.steps[-1:], *self.evaluations[0, -1:]]
        return int(self.result.get("steps", max(known, default=0)))

    @property
    def score(self) -> float:
        """Mean points of the final evaluation; NaN if there was none."""
        return self.result.get("evaluation.mean", np.nan)

    @property
    def score_interval(self) -> tuple[float, float] | None:
        """95 % interval of the score over the games of the evaluation; None if unknown."""
        if not {"evaluation.episodes", "evaluation.std"} <= self.result.keys():
            return None
        games, std = int(self.result["evaluation.episodes"]), self.result["evaluation.std"]
        return interval_of_mean(self.score, std, games)

    @property
    def state(self) -> str:
        """State of the run as text."""
        if self.finished:
            return "finished"
        if self.problem is not None:
            return f"failed: {self.problem}"
        planned = self.settings.get("train.steps")
        of = f" of {planned:,}" if isinstance(planned, int) and planned < MOST else ""
        return f"not finished: interrupted or still running, step {self.step:,}{of}"


def in_order(runs: Sequence[Run]) -> list[Run]:
    """``runs`` ordered by game and seed (as a number)."""
    return sorted(runs, key=lambda run: (run.game, len(run.seed), run.seed, str(run.folder)))


def shown(value: Any) -> str:
    """A value as written in config files."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:g}"
    return "null" if value is None else str(value)


def find_runs(folders: Sequence[Path]) -> list[Run]:
    """Reads every run in and below ``folders``, each once.

    Raises:
        UserError: A folder does not exist, or no folder contains a run.
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
            below.clear()  # a run contains no other runs
            yield Path(parent)
        else:
            below[:] = sorted(name for name in below if not name.startswith("."))


def read_run(folder: Path) -> Run:
    """Reads one run directory; missing or broken parts are left out and reported."""
    place, problem = RunDirectory(folder), _reason(folder)
    read: dict[str, Any] = {}
    try:
        settings = saved.read_plain(place.config)
        if not re.fullmatch(r"[a-z0-9_]{1,40}", game := str(settings.get("env.game"))):
            raise ValueError(f"its config.yaml names no game: {short(game, 40)}")
        read["settings"] = settings
        games = _columns(place.metrics, ("step", "frames", "wall_time", "episode_return"))
        read["games"] = Games(*games)
        read["evaluations"] = _columns(place.evaluations, ("step", "mean"))
        read["result"], read["places"] = _result(place.result)
    except Exception as error:  # a broken file must not prevent the report of other runs
        problem = problem or reason(error)
    if problem is not None and not read.get("result"):
        read["problem"] = short(problem, LONGEST)
    return Run(folder, **read)


def _result(path: Path) -> tuple[dict[str, float], list[str]]:
    """The numbers of a result, and its places.

    Raises:
        ValueError: The file cannot be read, or an entry is not a number.
    """
    if not path.is_file():
        return {}, []
    try:
        content = json.loads(_text(path))
        content |= {f"evaluation.{key}": of for key, of in content["evaluation"].items()}
        found = {key: content[key] for key in RESULTS if key in (*content, *RESULTS[:2])}
        for key, value in found.items():
            if isinstance(value, bool) or not isinstance(value, int | float):
                raise TypeError(f"{key}: expected a number")
            if not abs(value) <= MOST:  # NaN included
                raise ValueError(f"{key}={short(str(value), 20)}: expected a finite number")
        places = [short(str(each), 40) for each in list(content.get("places") or [])[:256]]
    except Exception as error:
        raise ValueError(f"its {path.name} cannot be read ({reason(error, 120)})") from error
    return {key: float(value) for key, value in found.items()}, places


def _reason(folder: Path) -> str | None:
    """Why a run failed, as recorded by its sweep."""
    try:
        return str(json.loads(_text(folder / "job.json"))["reason"]) or None
    except Exception:
        return None


def _columns(path: Path, names: Sequence[str]) -> Numbers:
    """Returns the columns ``names`` as (columns, rows); truncated rows are skipped."""
    rows = []
    if path.is_file():
        for row in csv.DictReader(_text(path).replace("\0", "").splitlines()):
            try:
                rows.append([float(row[name]) for name in names])
            except (KeyError, TypeError, ValueError):
                continue
    found: Numbers = np.array(rows, float).reshape(-1, len(names))
    return np.asarray(found[(np.abs(found) <= MOST).all(axis=1)].T)


def _text(path: Path) -> str:
    if path.stat().st_size > MAX_BYTES:
        raise ValueError(f"{path.name} has more than {MAX_BYTES:,} bytes")
    return path.read_text(encoding="utf-8", errors="replace")
