"""Plans a sweep: its runs, their names, and the validated settings of each.

What is swept is typed (``obs=pixel,ram seed=0,1,2``) or comes from ``hydra.sweeper.params`` of an
experiment; what is typed wins.
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
from runner.limits import free_memory
from runner.settings import command_line, compose
from runner.settings.checks import check_disk_for, check_writable
from runner.settings.games import all_games
from runner.settings.launchers import check_installed
from runner.settings.memory_checks import PROGRAM_BYTES, replay_bytes
from runner.settings.schema import Config

RESUME: Final = "sweep.resume"
LONGEST_VALUE: Final = 40  # characters of one value in a name
LONGEST_NAME: Final = 120  # characters: folders of file systems take 255, Windows paths 260
MOST_RUNS: Final = 10_000
_UNSAFE: Final = re.compile(r"[^\w=,.+~\[\]()-]", re.ASCII)  # in a name, on any system


@dataclass(frozen=True)
class Run:
    """One run of a sweep."""

    name: str  # of its folder: obs=ram,seed=1
    overrides: list[str]  # what is typed for it alone
    config: Config


@dataclass(frozen=True)
class Plan:
    """A sweep, before anything of it is made."""

    runs: list[Run]  # all; of a search, some at its limits, which are only checked
    keys: list[str]  # what is swept, and names the runs
    fixed: list[str]  # the settings that all runs share
    params: dict[str, str]  # what is swept: values by key, in Hydra's grammar
    hydra: DictConfig  # launcher, sweeper, folders
    folder: Path  # as typed, or for a new sweep
    at_once: int | None  # runs that share this machine; None: the launcher's scheduler decides
    trials: int | None  # runs of a search; None: a grid


def plan(settings: Sequence[str]) -> Plan:
    """Composes and checks every run of a sweep.

    Args:
        settings: As typed.

    Raises:
        UserError: The first thing that is wrong, or a launcher that is not installed.
    """
    hydra = hydra_settings(settings)
    check_installed(hydra)
    if hydra.sweep.subdir != ".":
        allowed = "no such setting: runs are named by what is swept"
        raise wrong("hydra.sweep.subdir", hydra.sweep.subdir, allowed)
    overrides = swept(settings, hydra)
    keys = sorted({_bare(o.get_key_element()) for o in overrides if o.is_sweep_override()})
    is_grid = hydra.sweeper["_target_"].endswith(".BasicSweeper")
    jobs = grid(overrides) if is_grid else limits(overrides)
    runs = [Run(name_of(job, keys), job, compose.load(job)) for job in jobs]
    for name, times in Counter(run.name.casefold() for run in runs).items():
        if is_grid and times > 1:
            raise UserError(f"{name}: expected every run once (these settings come {times} times)")
    trials, together = (
        (None, len(runs)) if is_grid else (int(hydra.sweeper.n_trials), int(hydra.sweeper.n_jobs))
    )
    return Plan(
        runs,
        keys,
        [str(o.input_line) for o in overrides if not o.is_sweep_override()],
        {o.get_key_element(): _value(o) for o in overrides if o.is_sweep_override()},
        hydra,
        Path(str(hydra.sweep.dir)).expanduser(),
        runs_at_once(hydra, together),
        trials,
    )


def is_sweep(settings: Sequence[str], *, multirun: bool) -> bool:
    """Whether a command line asks for a sweep: by ``-m``, by resuming one, or by an experiment."""
    given = {text.partition("=")[0] for text in settings}
    if multirun or RESUME in given:
        return True
    if not given & {"experiment", "hydra.mode"}:
        return False
    try:
        return bool(hydra_settings(settings).mode == RunMode.MULTIRUN)
    except UserError:
        return False  # refused later, in the same words as every run


def without_resume(settings: Sequence[str]) -> tuple[list[str], str | None]:
    """Returns the other settings, and the sweep to resume as it was typed; None: a new one."""
    resume = [text for text in settings if text.startswith(f"{RESUME}=")]
    others = [text for text in settings if text not in resume]
    return others, str(command_line.parse(resume)[-1].value()) if resume else None


def _parsed(settings: Sequence[str]) -> list[Override]:
    """Parses what was typed; ``env=all`` stands for every game."""
    games = f"env={','.join(all_games())}"
    return command_line.parse([games if text == "env=all" else text for text in settings])


def hydra_settings(settings: Sequence[str]) -> DictConfig:
    """Returns Hydra's own part of the config: launcher, sweeper, folders.

    Args:
        settings: As typed; what is swept is left out.

    Raises:
        UserError: It does not compose.
    """
    fixed = [o for o in _parsed(settings) if not o.is_sweep_override()]
    with command_line.one_line_errors():
        _, hydra = compose.composed_of(fixed)
        OmegaConf.resolve(hydra.sweep)
    return hydra


def swept(settings: Sequence[str], hydra: DictConfig) -> list[Override]:
    """Returns all settings of the sweep: of its experiment, then what is typed.

    Raises:
        UserError: Something is no ``key=value``.
    """
    typed = [o for o in _parsed(settings) if not command_line.is_hydras(o)]
    keys = {o.get_key_element() for o in typed}
    params = hydra.sweeper.get("params") or {}
    given = command_line.parse(
        [f"{key}={value}" for key, value in params.items() if key not in keys]
    )
    return [*given, *typed]


def grid(overrides: Sequence[Override]) -> list[list[str]]:
    """Returns the settings of every combination of what is swept.

    Raises:
        UserError: Something that cannot be listed is swept, nothing is, or too much.
    """
    values = {o.get_key_element(): _values(o) for o in overrides}
    if (runs := math.prod(map(len, values.values()))) > MOST_RUNS:
        raise UserError(f"sweep: expected at most {MOST_RUNS:,} runs (these are {runs:,} or more)")
    texts = [[f"{key}={value}" for value in choices] for key, choices in values.items()]
    return [list(job) for job in itertools.product(*texts)]


def limits(overrides: Sequence[Override]) -> list[list[str]]:
    """Returns the settings of runs at the limits of what is searched, one setting at a time.

    Raises:
        UserError: Nothing is searched.
    """
    values = {o.get_key_element(): _limits(o) for o in overrides}
    first = {key: choices[0] for key, choices in values.items()}
    jobs = [{**first, key: value} for key, choices in values.items() for value in choices]
    if not any(o.is_sweep_override() for o in overrides):
        raise UserError("hydra/sweeper: expected something to search, such as seed=1,2")
    texts = dict.fromkeys(tuple(f"{key}={value}" for key, value in job.items()) for job in jobs)
    return [list(text) for text in texts]


def name_of(overrides: Sequence[str], keys: Sequence[str]) -> str:
    """Names a run's folder by what is swept: ``obs=ram,seed=1``; ``run`` if nothing is.

    The same on every system and in every order of typing. What is long or holds characters that a
    file system refuses is shortened, and a checksum keeps it apart from others.
    """
    values = {_bare(key): value for key, _, value in (text.partition("=") for text in overrides)}
    name = ",".join(f"{key}={_safe(values[key], LONGEST_VALUE)}" for key in keys)
    return _safe(name, LONGEST_NAME) or "run"


def _value(override: Override) -> str:
    return str(override.input_line).partition("=")[2]


def _values(override: Override) -> list[str]:
    """The values that an override lists; at most one more than there may be runs."""
    if not override.is_sweep_override():
        return [override.get_value_element_as_str()]
    key, allowed = override.get_key_element(), "a list such as 1,2,3"
    if override.is_interval_sweep():
        allowed += " (an interval is for hydra/sweeper=optuna)"
        raise wrong(key, _value(override), allowed)
    try:
        values = list(itertools.islice(override.sweep_string_iterator(), MOST_RUNS + 1))
    except (HydraException, ValueError, TypeError, ArithmeticError) as error:  # range(0,3,0)
        raise wrong(key, _value(override), f"{allowed} ({error})") from error
    if not values:
        raise wrong(key, _value(override), f"{allowed} (there is no value)")
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
        runs: Runs that are launched together.
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
    """Checks that runs fit into memory and on the disk together.

    Args:
        configs: Of the runs to come.
        folder: Of the sweep.
        at_once: How many of them share this machine; None: each is checked where it runs.

    Raises:
        UserError: They do not, or the sweep's folder cannot be written to.
    """
    check_writable(folder, "hydra.sweep.dir")
    check_disk_for(configs, folder)
    largest = sorted(map(replay_bytes, configs), reverse=True)[: at_once or 0]
    needed, free = sum(largest) + len(largest) * PROGRAM_BYTES, free_memory()
    if needed > free:
        raise wrong(
            "memory.limit",
            max(config.memory.limit for config in configs),
            f"replays that fit into memory together: {at_once} parallel runs take "
            f"{needed / 1e9:.1f} GB with the program, {free / 1e9:.1f} GB are free",
        )
