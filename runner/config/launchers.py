"""Hydra's launchers: where the runs of a sweep are started, and whether they are installed."""

from __future__ import annotations

import contextlib
import importlib.util
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from hydra._internal.callbacks import Callbacks
from hydra._internal.hydra import Hydra
from hydra._internal.utils import create_config_search_path
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from hydra.core.plugins import Plugins
from hydra.plugins.launcher import Launcher
from hydra.types import HydraContext, RunMode
from omegaconf import DictConfig

from runner.config import compose
from runner.errors import UserError

HOW_TO_INSTALL = "pip install -r requirements-sweeps.txt"


def check_installed(hydra: DictConfig) -> None:
    """Checks that what ``hydra/launcher`` and ``hydra/sweeper`` name is installed.

    Raises:
        UserError: It is not; the line says how to install it.
    """
    for part in ("launcher", "sweeper"):
        package = str(hydra[part]["_target_"]).rpartition(".")[0]
        found = None
        with contextlib.suppress(ModuleNotFoundError):
            found = importlib.util.find_spec(package)
        if found is None:
            choice = hydra.runtime.choices[f"hydra/{part}"]
            raise UserError(f"hydra/{part}={choice}: not installed; expected {HOW_TO_INSTALL}")


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
    launcher = _launcher(hydra, settings, folder, work)
    launcher.launch([list(job) for job in jobs], initial_job_idx=0)


def _hydra() -> Hydra:
    GlobalHydra.instance().clear()
    return Hydra.create_main_hydra2(
        task_name="runner", config_search_path=create_config_search_path(str(compose.CONF_DIR))
    )


def _launcher(
    hydra: Hydra, settings: Sequence[str], folder: Path, work: Callable[[int], float]
) -> Launcher:
    def task(composed: DictConfig) -> float:
        return work(int(HydraConfig.get().job.num))

    fixed = [str(o.input_line) for o in compose.parse(settings) if not o.is_sweep_override()]
    config = hydra.compose_config(
        "config", [*fixed, f"hydra.sweep.dir={quoted(folder)}"], RunMode.MULTIRUN
    )
    context = HydraContext(config_loader=hydra.config_loader, callbacks=Callbacks(config))
    return Plugins.instance().instantiate_launcher(
        hydra_context=context, task_function=task, config=config
    )


def quoted(value: Any) -> str:
    """Returns a value as Hydra's grammar takes it, whatever characters it holds."""
    text = str(value).replace("'", "\\'")
    return f"'{text}'"
