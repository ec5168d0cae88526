"""Plans a sweep: its runs, their names, and the validated settings of each.

Swept settings are typed (``obs=pixel,ram seed=0,1,2``) or come from ``hydra.sweeper.params`` of an
experiment; typed settings override the experiment.
"""

from __future__ import annotations

import hashlib
import itertools
import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from hydra.core.override_parser.types import IntervalSweep, Override
from hydra.errors import HydraException
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf

from runner.cores import cores
from runner.errors import UserError, wrong
from runner.files import typed_path
from runner.limits import free_memory
from runner.settings import command_line, compose
from runner.settings.checks import check_disk, check_writable
from runner.settings.games import all_games
from runner.settings.launchers import check_installed
from runner.settings.memory_checks import PROGRAM_BYTES, replay_bytes
from runner.settings.schema import Config

RESUME: Final = "sweep.resume"
LONGEST_VALUE: Final = 40  # characters of one value in a name
LONGEST_NAME: Final = 120  # characters: folder names are limited to 255, Windows paths to 260
MOST_RUNS: Final = 10_000
_UNSAFE: Final = re.compile(r"[^\w=,.+~\[\]()-]", re.ASCII)  # in a name, on any system


@dataclass(frozen=True)
class Run:
    """One run of a sweep."""

    name: str  # of its folder: obs=ram,seed=1
    overrides: list[str]  # the run's overrides
    config: Config


@dataclass(frozen=True)
class Plan:
    """A planned sweep."""

    runs: list[Run]  # all runs of a grid; for a search, runs at its limits, only for checks
    keys: list[str]  # swept settings, which name the runs
    fixed: list[str]  # settings shared by all runs
    params: dict[str, str]  # swept values by key, in Hydra's grammar
    hydra: DictConfig  # launcher, sweeper, folders
    folder: Path  # as typed, or for a new sweep
    at_once: int | None  # runs that share this machine; None: the launcher's scheduler decides
    trials: int | None  # runs of a search; None: a grid


def plan(settings: Sequence[str]) -> Plan:
    """Composes and checks every run of a sweep.

    Args:
        settings: As typed.

    Raises:
        UserError: The first error, or a launcher that is not installed.
    """
    hydra = hydra_settings(settings)
    check_installed(hydra)
    if hydra.sweep.subdir != ".":
        allowed = "no such setting: runs are named by the swept settings"
        raise wrong("hydra.sweep.subdir", hydra.sweep.subdir, allowed)
    overrides = swept(settings, hydra)
    keys = sorted({o.get_key_element() for o in overrides if o.is_sweep_override()})
    is_grid = hydra.sweeper["_target_"].endswith(".BasicSweeper")
    jobs = grid(overrides) if is_grid else limits(overrides)
    runs = [Run(name_of(job, keys), job, compose.load(job)) for job in jobs]
    for name, times in Counter(run.name.casefold() for run in runs).items():
        if is_grid and times > 1:
            raise UserError(f"{name}: expected every run once (these settings occur {times} times)")
    trials, together = (
        (None, len(runs)) if is_grid else (_count(hydra, "n_trials"), _count(hydra, "n_jobs"))
    )
    return Plan(
        runs,
        keys,
        [str(o.input_line) for o in overrides if not o.is_sweep_override()],
        {o.get_key_element(): command_line.text_of(o) for o in overrides if o.is_sweep_override()},
        hydra,
        typed_path(str(hydra.sweep.dir)),
        runs_at_once(hydra, together),
        trials,
    )


def _count(hydra: DictConfig, name: str) -> int:
    value = hydra.sweeper[name]
    if not isinstance(value, int) or value < 1:
        raise wrong(f"hydra.sweeper.{name}", value, "an integer >= 1")
    return value


def is_sweep(settings: Sequence[str], *, multirun: bool) -> bool:
    """Whether a command line starts a sweep: by ``-m``, by resuming one, or by an experiment."""
    given = {command_line.bare(text).partition("=")[0] for text in settings}
    if multirun or RESUME in given:
        return True
    if not given & {"experiment", "hydra.mode"}:
        return False
    try:
        return bool(hydra_settings(settings).mode == RunMode.MULTIRUN)
    except UserError:
        return False  # rejected later, with the same message as for every run


def without_resume(settings: Sequence[str]) -> tuple[list[str], str | None]:
    """Returns the other settings, and the sweep to resume as typed; None: a new sweep."""
    resume = [text for text in settings if text.startswith(f"{RESUME}=")]
    others = [text for text in settings if text not in resume]
    return others, str(command_line.parse(resume)[-1].value()) if resume else None


def with_typed(settings: Sequence[str], typed: Sequence[str]) -> list[str]:
    """``settings`` of a sweep, with those that are ``typed`` to resume it in place of their own."""
    keys = {_bare(text.partition("=")[0]) for text in typed}
    return [*(text for text in settings if _bare(text.partition("=")[0]) not in keys), *typed]


def _parsed(settings: Sequence[str]) -> list[Override]:
    """Parses overrides; ``env=all`` expands to every game."""
    games = f"env={','.join(all_games())}"
    return command_line.parse([games if text == "env=all" else text for text in settings])


def hydra_settings(settings: Sequence[str]) -> DictConfig:
    """Returns Hydra's part of the composed configuration: launcher, sweeper, folders.

    Args:
        settings: As typed; swept settings are left out.

    Raises:
        UserError: The settings cannot be composed.
    """
    fixed = [o for o in _parsed(settings) if not o.is_sweep_override()]
    with command_line.one_line_errors():
        _, hydra = compose.composed_of(fixed)
        OmegaConf.resolve(hydra.sweep)
    return hydra


def swept(settings: Sequence[str], hydra: DictConfig) -> list[Override]:
    """Returns all overrides of the sweep: the experiment's, then the typed ones.

    Raises:
        UserError: An argument is not ``key=value``.
    """
    typed = [o for o in _parsed(settings) if not command_line.is_hydras(o)]
    keys = {o.get_key_element() for o in typed}
    params = hydra.sweeper.get("params") or {}
    given = command_line.parse(
        [f"{key}={value}" for key, value in params.items() if key not in keys]
    )
    return [*given, *typed]


def grid(overrides: Sequence[Override]) -> list[list[str]]:
    """Returns the settings of every combination of swept values.

    Raises:
        UserError: Swept values cannot be listed or are missing, or there are too many runs.
    """
    values = {o.get_key_element(): _values(o) for o in overrides}
    if (runs := math.prod(map(len, values.values()))) > MOST_RUNS:
        raise UserError(f"sweep: expected at most {MOST_RUNS:,} runs (these are {runs:,} or more)")
    texts = [[f"{key}={value}" for value in choices] for key, choices in values.items()]
    return [list(job) for job in itertools.product(*texts)]


def limits(overrides: Sequence[Override]) -> list[list[str]]:
    """Returns the settings of runs at the limits of the search space, one setting at a time.

    Raises:
        UserError: The search space is empty.
    """
    values = {o.get_key_element(): _limits(o) for o in overrides}
    first = {key: choices[0] for key, choices in values.items()}
    jobs = [{**first, key: value} for key, choices in values.items() for value in choices]
    if not any(o.is_sweep_override() for o in overrides):
        raise UserError("hydra/sweeper: expected something to search, such as seed=1,2")
    texts = dict.fromkeys(tuple(f"{key}={value}" for key, value in job.items()) for job in jobs)
    return [list(text) for text in texts]


def name_of(overrides: Sequence[str], keys: Sequence[str]) -> str:
    """Names a run's folder by its swept settings: ``obs=ram,seed=1``; ``run`` if there are none.

    The name is the same on every system and for every order of typing. Long values and values with
    characters that a file system rejects are shortened, with a checksum to keep names unique.
    """
    values = {_bare(key): value for key, _, value in (text.partition("=") for text in overrides)}
    name = ",".join(f"{key}={_safe(values[key], LONGEST_VALUE)}" for key in keys)
    return _safe(name, LONGEST_NAME) or "run"


def _values(override: Override) -> list[str]:
    """The values listed by an override; at most ``MOST_RUNS`` + 1."""
    if not override.is_sweep_override():
        return [override.get_value_element_as_str()]
    key, allowed = override.get_key_element(), "a list such as 1,2,3"
    if override.is_interval_sweep():
        allowed += " (an interval is for hydra/sweeper=optuna)"
        raise wrong(key, command_line.text_of(override), allowed)
    try:
        values = list(itertools.islice(override.sweep_string_iterator(), MOST_RUNS + 1))
    except (HydraException, ValueError, TypeError, ArithmeticError) as error:  # range(0,3,0)
        raise wrong(key, command_line.text_of(override), f"{allowed} ({error})") from error
    if not values:
        raise wrong(key, command_line.text_of(override), f"{allowed} (there is no value)")
    return values


def _limits(override: Override) -> list[str]:
    value = override.value()
    if isinstance(value, IntervalSweep):
        return [str(value.start), str(value.end)]
    return _values(override)


def _bare(key: str) -> str:
    return key.lstrip("+~")


def _safe(text: str, longest: int) -> str:
    plain = text.strip("'\"")
    safe = _UNSAFE.sub("_", plain)
    if safe == plain and len(safe) <= longest:
        return safe
    return f"{safe[: longest - 9]}~{hashlib.sha256(plain.encode()).hexdigest()[:8]}"


def runs_at_once(hydra: DictConfig, runs: int) -> int | None:
    """How many runs share this machine; None: the launcher's scheduler decides.

    Args:
        hydra: Hydra's settings.
        runs: Number of runs launched together.
    """
    launcher: Any = hydra.launcher
    kind = launcher["_target_"].rpartition(".")[2]
    if kind == "JoblibLauncher":
        jobs = launcher.n_jobs
        if not isinstance(jobs, int):
            raise wrong("hydra.launcher.n_jobs", jobs, "an integer")
        jobs = jobs if jobs > 0 else max(cores() + 1 + jobs, 1)
        return min(jobs, runs)
    if kind == "LocalLauncher":
        return runs
    return 1 if kind == "BasicLauncher" else None


def check_together(configs: Sequence[Config], folder: Path, at_once: int | None) -> None:
    """Checks that parallel runs fit into memory, and all runs on the disk.

    Args:
        configs: Configurations of the remaining runs.
        folder: Folder of the sweep.
        at_once: Number of runs that share this machine; None: each is checked where it runs.

    Raises:
        UserError: They do not fit, or the sweep's folder cannot be written to.
    """
    check_writable(folder, "hydra.sweep.dir")
    check_disk(configs, folder)
    largest = sorted(map(replay_bytes, configs), reverse=True)[: at_once or 0]
    needed, free = sum(largest) + len(largest) * PROGRAM_BYTES, free_memory()
    if needed > free:
        raise wrong(
            "memory.limit",
            max(config.memory.limit for config in configs),
            f"replay memories that fit into memory together: {at_once} parallel runs take "
            f"{needed / 1e9:.1f} GB with the program, {free / 1e9:.1f} GB are free",
        )
