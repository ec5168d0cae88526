"""A sweep, from what is typed: its runs, their names, and the settings of every one checked.

What is swept is typed (``obs=pixel,ram seed=0,1,2``) or comes from ``hydra.sweeper.params`` of an
experiment; what is typed wins.
"""

from __future__ import annotations

import hashlib
import itertools
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import psutil
from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra._internal.utils import get_args_parser
from hydra.core.override_parser.types import IntervalSweep, Override
from hydra.errors import HydraException
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf

from runner.cores import cores
from runner.errors import UserError, wrong
from runner.settings import compose
from runner.settings.checks import check_disk_for, check_writable
from runner.settings.launchers import check_installed
from runner.settings.memory_checks import replay_bytes
from runner.settings.schema import Config

RESUME: Final = "sweep.resume"
LONGEST_VALUE: Final = 40  # characters of one value in a name
LONGEST_NAME: Final = 120  # characters: folders of file systems take 255, Windows paths 260
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
    overrides: list[str]  # of all runs: what is swept, and what is not
    folder: Path  # for a new sweep
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
    overrides = swept(settings, hydra)
    keys, lines = swept_keys(overrides), [str(o.input_line) for o in overrides]
    folder, trials = Path(hydra.sweep.dir), None
    if hydra.sweeper["_target_"].endswith(".BasicSweeper"):
        runs = grid(overrides)
        together = len(runs)
    else:
        runs = limits(overrides)
        trials, together = int(hydra.sweeper.n_trials), int(hydra.sweeper.n_jobs)
    return Plan(runs, keys, lines, folder, runs_at_once(hydra, together), trials)


def is_sweep(arguments: Sequence[str]) -> bool:
    """Whether a command line asks for a sweep: by ``-m``, by resuming one, or by an experiment."""
    flags = get_args_parser().parse_args(arguments)
    if flags.cfg or flags.info or flags.help or flags.hydra_help or flags.shell_completion:
        return False
    given = {text.partition("=")[0] for text in flags.overrides}
    if flags.multirun or RESUME in given:
        return True
    if not given & {"experiment", "hydra.mode"}:
        return False
    try:
        return bool(hydra_settings(flags.overrides).mode == RunMode.MULTIRUN)
    except UserError:
        return False  # refused later, in the same words as every run


def typed_settings(arguments: Sequence[str]) -> list[str]:
    """The settings among ``arguments``: no flags, not which sweep is resumed."""
    overrides = get_args_parser().parse_args(arguments).overrides
    return [text for text in overrides if not text.startswith(f"{RESUME}=")]


def resumed(arguments: Sequence[str]) -> str | None:
    """Returns the folder of the sweep to resume, as typed; None: a new sweep."""
    given = [text for text in arguments if text.startswith(f"{RESUME}=")]
    return str(compose.parse(given)[-1].value()) if given else None


def hydra_settings(settings: Sequence[str]) -> DictConfig:
    """Returns Hydra's own part of the config: launcher, sweeper, folders.

    Args:
        settings: As typed; what is swept is left out.

    Raises:
        UserError: It does not compose.
    """
    fixed = [o for o in compose.parse(settings) if not o.is_sweep_override()]
    with compose.one_line_errors():
        _, hydra = compose.composed_of(fixed)
        OmegaConf.resolve(hydra.sweep)
    return hydra


def swept(settings: Sequence[str], hydra: DictConfig) -> list[Override]:
    """Returns all settings of the sweep: of its experiment, then what is typed.

    Raises:
        UserError: Something is no ``key=value``.
    """
    typed = [o for o in compose.parse(settings) if not compose.is_hydras(o)]
    keys = {o.get_key_element() for o in typed}
    params = hydra.sweeper.get("params") or {}
    given = compose.parse([f"{key}={value}" for key, value in params.items() if key not in keys])
    return [*given, *typed]


def grid(overrides: Sequence[Override]) -> list[Run]:
    """Composes and checks every combination of what is swept.

    Raises:
        UserError: The first thing that is wrong, or two runs of the same name.
    """
    for override in overrides:
        if override.is_interval_sweep():
            raise wrong(
                override.get_key_element(),
                str(override.input_line).partition("=")[2],
                "a list such as 1,2,3 (an interval is for hydra/sweeper=optuna)",
            )
    try:
        batches = BasicSweeper.split_arguments(list(overrides), None)
    except (HydraException, ValueError) as error:  # the latter: seed=range(0,3,0)
        raise compose.one_line(error) from error
    keys = swept_keys(overrides)
    runs = [run_of(job, keys) for job in itertools.chain(*batches)]
    for name, times in Counter(run.name.casefold() for run in runs).items():
        if times > 1:
            raise UserError(f"{name}: expected every run once (these settings come {times} times)")
    return runs


def limits(overrides: Sequence[Override]) -> list[Run]:
    """Composes and checks runs at the limits of what is searched, one setting at a time.

    Raises:
        UserError: The first thing that is wrong.
    """
    values = {o.get_key_element(): _limits_of(o) for o in overrides}
    first = {key: choices[0] for key, choices in values.items()}
    jobs = [{**first, key: value} for key, choices in values.items() for value in choices]
    keys = swept_keys(overrides)
    if not keys:
        raise UserError("hydra/sweeper: expected something to search, such as seed=1,2")
    texts = dict.fromkeys(tuple(f"{key}={value}" for key, value in job.items()) for job in jobs)
    return [run_of(text, keys) for text in texts]


def _limits_of(override: Override) -> list[str]:
    value = override.value()
    if isinstance(value, IntervalSweep):
        return [str(value.start), str(value.end)]
    if override.is_sweep_override():
        return list(override.sweep_string_iterator())
    return [override.get_value_element_as_str()]


def run_of(overrides: Sequence[str], keys: Sequence[str]) -> Run:
    """Composes and checks one run.

    Args:
        overrides: Its settings, ``key=value``.
        keys: Those that name it.

    Raises:
        UserError: The first thing that is wrong.
    """
    return Run(name_of(overrides, keys), list(overrides), compose.load(overrides))


def swept_keys(overrides: Sequence[Override]) -> list[str]:
    """The names of what is swept, in alphabetical order."""
    return sorted({_bare(o.get_key_element()) for o in overrides if o.is_sweep_override()})


def name_of(overrides: Sequence[str], keys: Sequence[str]) -> str:
    """Names a run's folder by what is swept: ``obs=ram,seed=1``; ``run`` if nothing is.

    The same on every system and in every order of typing. What is long or holds characters that a
    file system refuses is shortened, and a checksum keeps it apart from others.
    """
    values = {_bare(key): value for key, _, value in (text.partition("=") for text in overrides)}
    name = ",".join(f"{key}={_safe(values[key], LONGEST_VALUE)}" for key in keys)
    return _safe(name, LONGEST_NAME) or "run"


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


def check_together(plan: Plan) -> None:
    """Checks that the runs of a new sweep fit into memory and on the disk together.

    Raises:
        UserError: They do not, or the sweep's folder cannot be written to.
    """
    runs, at_once = plan.runs, plan.at_once
    check_writable(plan.folder, "hydra.sweep.dir")
    check_disk_for([run.config for run in runs], plan.folder)
    if at_once is None:
        return  # each is checked where it runs
    largest = sorted((replay_bytes(run.config) for run in runs), reverse=True)[:at_once]
    needed, free = sum(largest), psutil.virtual_memory().available
    if needed > free:
        raise wrong(
            "memory.limit",
            max(run.config.memory.limit for run in runs),
            f"replays that fit into memory together: {at_once} runs at once take "
            f"{needed / 1e9:.1f} GB, {free / 1e9:.1f} GB are free",
        )
