"""A Hydra launcher on Ray: every run is a task of a Ray cluster.

Hydra's plugin cannot be installed with Gymnasium 1.4: they need different versions of cloudpickle.
"""

from __future__ import annotations

import importlib
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from hydra.core.plugins import Plugins
from hydra.core.utils import JobReturn, JobStatus
from hydra.plugins.launcher import Launcher
from hydra.types import TaskFunction
from omegaconf import DictConfig, OmegaConf

from runner.cores import SHARE

ROOT: Final = Path(__file__).resolve().parents[2]
PACKAGE: Final = "hydra_plugins.runner"  # Hydra loads launchers only from this namespace
TARGET: Final = f"{PACKAGE}.RayLauncher"


class RayLauncher(Launcher):
    """Starts runs as the cluster has capacity, and waits for all.

    Args:
        init: Arguments of ``ray.init``.
        remote: Resources of a run: options of a Ray task.
    """

    __module__ = PACKAGE

    def __init__(self, init: DictConfig, remote: DictConfig) -> None:
        self._init: Any = OmegaConf.to_container(init, resolve=True)
        self._remote: Any = OmegaConf.to_container(remote, resolve=True)

    def setup(self, *, task_function: TaskFunction, **_: Any) -> None:
        """Stores the task function."""
        self._task: Any = task_function

    def launch(
        self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int
    ) -> Sequence[JobReturn]:
        """Calls the task on Ray for each run; a failed run does not affect the others."""
        ray: Any = importlib.import_module("ray")  # optional
        work = self._task.work

        def make(number: int, overrides: list[str]) -> float | None:
            return work(number, overrides)  # type: ignore[no-any-return]

        def result(job: Any) -> float | None:
            try:
                return ray.get(job)  # type: ignore[no-any-return]
            except ray.exceptions.RayError:  # the worker died without a record
                return None

        before = signal.getsignal(signal.SIGTERM)
        share = {SHARE: str(max(int(self._remote["num_cpus"]), 1))}
        ray.init(runtime_env={"env_vars": {"PYTHONPATH": str(ROOT), **share}}, **self._init)
        signal.signal(signal.SIGTERM, before)  # Ray replaces the handler
        try:
            task = ray.remote(**self._remote)(make)
            jobs = [task.remote(n, list(o)) for n, o in enumerate(job_overrides, initial_job_idx)]
            return [
                JobReturn(status=JobStatus.COMPLETED, _return_value=result(job)) for job in jobs
            ]
        finally:
            ray.shutdown()


def register() -> None:
    """Registers the launcher with Hydra."""
    module = ModuleType(PACKAGE)
    vars(module)["RayLauncher"] = RayLauncher
    sys.modules.setdefault("hydra_plugins", ModuleType("hydra_plugins"))
    sys.modules[PACKAGE] = module
    Plugins.instance().register(RayLauncher)
