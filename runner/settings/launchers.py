"""Hydra's launchers and sweepers: where the runs of a sweep are started, and who asks for them."""

from __future__ import annotations

import contextlib
import importlib.util
import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

from hydra._internal.callbacks import Callbacks
from hydra._internal.hydra import Hydra
from hydra._internal.utils import create_config_search_path
from hydra.core.global_hydra import GlobalHydra
from hydra.core.plugins import Plugins
from hydra.core.utils import JobReturn, JobStatus
from hydra.plugins.launcher import Launcher
from hydra.types import HydraContext, RunMode
from hydra.utils import instantiate
from omegaconf import DictConfig

from runner.errors import RunError, UserError
from runner.settings import compose
from runner.settings.ray_launcher import Task

HOW_TO_INSTALL: Final = "pip install -r requirements-sweeps.txt"
NEEDS: Final = {"runner.settings.ray_launcher": "ray"}  # packages of our own launchers


def check_installed(hydra: DictConfig) -> None:
    """Checks that what ``hydra/launcher`` and ``hydra/sweeper`` name is installed.

    Raises:
        UserError: It is not; the line says how to install it.
    """
    for part in ("launcher", "sweeper"):
        package = str(hydra[part]["_target_"]).rpartition(".")[0]
        package = NEEDS.get(package, package)
        found = None
        with contextlib.suppress(ModuleNotFoundError):
            found = importlib.util.find_spec(package)
        if found is None:
            choice = hydra.runtime.choices[f"hydra/{part}"]
            raise UserError(f"hydra/{part}={choice}: not installed; expected {HOW_TO_INSTALL}")


Batch = Callable[[Sequence[Sequence[str]]], Sequence[float | None]]


class _Batches(Launcher):
    """A launcher as a sweeper sees it, whose jobs another function makes."""

    def __init__(self, make: Batch) -> None:
        self._make = make

    def setup(self, **_: Any) -> None:
        """Nothing: there is no configuration."""

    def launch(
        self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int
    ) -> Sequence[JobReturn]:
        """Has the jobs made, and hands back what came out."""
        returns = []
        for value in self._make(job_overrides):
            ended = JobReturn()
            ended.status = JobStatus.FAILED if value is None else JobStatus.COMPLETED
            ended.return_value = RunError("the run failed") if value is None else value
            returns.append(ended)
        return returns


def search(settings: Sequence[str], overrides: Sequence[str], folder: Path, make: Batch) -> None:
    """Has the sweeper ask for runs, one batch after another, and tells it what came out.

    Args:
        settings: As typed; what is swept is left out.
        overrides: What is swept and what is not, of every run.
        folder: Of the sweep.
        make: Makes the runs of these settings; returns their results, None where one failed.
    """
    hydra = _hydra()
    config = _config(hydra, settings, folder)
    config.hydra.sweeper.params = None  # they are among the overrides
    sweeper: Any = Plugins.instance().instantiate_sweeper(
        hydra_context=_context(hydra, config), task_function=lambda _: None, config=config
    )
    for name in ("optuna", "hydra_plugins"):  # what they say is said by the sweep
        logging.getLogger(name).setLevel(logging.CRITICAL)
    sweeper.sweeper.launcher = _Batches(make)
    sweeper.sweep(list(overrides))


def launch(
    settings: Sequence[str],
    jobs: Sequence[Sequence[str]],
    folder: Path,
    work: Callable[[int], float],
) -> None:
    """Has the launcher call ``work(i)`` for each of ``jobs``, wherever it starts it.

    Args:
        settings: As typed; what is swept is left out.
        jobs: The settings of each run.
        folder: Of the sweep.
        work: Pickled by the launchers that start processes. What it raises stays with that job.
    """
    hydra = _hydra()
    config = _config(hydra, settings, folder)
    context, task = _context(hydra, config), Task(work)
    if str(config.hydra.launcher["_target_"]).startswith("runner."):
        # Hydra takes plugins from packages of theirs only.
        launcher: Any = instantiate(config.hydra.launcher)
        launcher.setup(hydra_context=context, task_function=task, config=config)
    else:
        launcher = Plugins.instance().instantiate_launcher(context, task, config)
    launcher.launch([list(job) for job in jobs], initial_job_idx=0)


def _hydra() -> Hydra:
    GlobalHydra.instance().clear()
    return Hydra.create_main_hydra2(
        task_name="runner", config_search_path=create_config_search_path(str(compose.CONF_DIR))
    )


def _config(hydra: Hydra, settings: Sequence[str], folder: Path) -> DictConfig:
    fixed = [str(o.input_line) for o in compose.parse(settings) if compose.is_hydras(o)]
    quoted = str(folder).replace("'", "\\'")
    overrides = [*fixed, f"hydra.sweep.dir='{quoted}'"]
    return hydra.compose_config("config", overrides, RunMode.MULTIRUN)


def _context(hydra: Hydra, config: DictConfig) -> HydraContext:
    return HydraContext(config_loader=hydra.config_loader, callbacks=Callbacks(config))
