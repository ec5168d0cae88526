"""Hydra's multirun with its stock launchers and sweepers.

No run is composed here: all settings are composed and checked before the first run starts, and
again in each run's process.
"""

from __future__ import annotations

import contextlib
import copy
import importlib.util
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from hydra import initialize
from hydra.core.config_store import ConfigStore
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, OmegaConf, read_write

from runner.errors import UserError
from runner.settings import ray_launcher

HOW_TO_INSTALL: Final = "pip install -r requirements-sweeps.txt"

Work = Callable[[int, Sequence[str]], float | None]


def check_installed(hydra: DictConfig) -> None:
    """Checks that the plugins of ``hydra/launcher`` and ``hydra/sweeper`` are installed.

    Raises:
        UserError: A plugin is missing; the message says how to install it.
    """
    for part in ("launcher", "sweeper"):
        target = str(hydra[part]["_target_"])
        package = "ray" if target == ray_launcher.TARGET else target.rpartition(".")[0]
        found = None
        with contextlib.suppress(ModuleNotFoundError):
            found = importlib.util.find_spec(package)
        if found is None:
            choice = hydra.runtime.choices[f"hydra/{part}"]
            raise UserError(f"hydra/{part}={choice}: not installed; expected {HOW_TO_INSTALL}")


def multirun(hydra: DictConfig, folder: Path, params: Mapping[str, str], work: Work) -> None:
    """Lets the sweeper choose values, and the launcher call ``work`` for each choice.

    Args:
        hydra: Hydra's settings: the launcher and the sweeper.
        folder: Folder of the sweep.
        params: Swept values by key, in Hydra's grammar.
        work: Called with the number of a run and its ``key=value`` overrides, in the launcher's
            process. Returns the result, or None if the run failed. Pickled.
    """
    # The sweep prints this information itself.
    logging.getLogger("hydra_plugins").setLevel(logging.CRITICAL)
    if "optuna" in hydra.sweeper["_target_"]:
        import optuna  # sets its log level on import

        optuna.logging.set_verbosity(logging.CRITICAL)
    if hydra.launcher["_target_"] == ray_launcher.TARGET:
        ray_launcher.register()
    swept = {key: value.replace("${", r"\${") for key, value in params.items()}
    parts = {"launcher": {}, "sweeper": {"params": swept}}
    store = ConfigStore.instance()
    for part, more in parts.items():
        node = OmegaConf.to_container(hydra[part])
        assert isinstance(node, dict)
        store.store(group=f"hydra/{part}", name="of_sweep", node={**node, **more})
    silent = [{f"override hydra/{logs}": "none"} for logs in ("job_logging", "hydra_logging")]
    chosen = [{f"override hydra/{part}": "of_sweep"} for part in parts]
    sweep = {"sweep": {"dir": str(folder), "subdir": "."}, "output_subdir": None}
    store.store(name="sweep", node={"defaults": ["_self_", *silent, *chosen], "hydra": sweep})
    GlobalHydra.instance().clear()
    with initialize(version_base="1.3", config_path=None, job_name="runner"):
        run = GlobalHydra.instance().hydra
        assert run is not None
        run.config_loader = _Loader(run.config_loader)  # type: ignore[assignment]
        run.multirun("sweep", _Task(work), [])


@dataclass(frozen=True)
class _Task:
    """Callable that a launcher calls for each run, in any process."""

    work: Work

    def __call__(self, composed: DictConfig) -> float | None:
        hydra = HydraConfig.get()
        return self.work(int(hydra.job.num), list(hydra.overrides.task))


@dataclass(frozen=True)
class _Loader:
    """Hydra's configuration loader, without composing the runs' configurations."""

    loader: Any

    def load_configuration(self, **given: Any) -> DictConfig:
        config = self.loader.load_configuration(**given)
        assert isinstance(config, DictConfig)
        return config

    def load_sweep_config(
        self, master_config: DictConfig, sweep_overrides: Sequence[str]
    ) -> DictConfig:
        config = copy.deepcopy(master_config)
        with read_write(config):
            config.hydra.overrides.task = list(sweep_overrides)
        return config
