"""Hydra's launcher interface on Ray: every run is a task of a Ray cluster.

Hydra's own plugin cannot be installed beside Gymnasium 1.4: they want different cloudpickles.
"""

from __future__ import annotations

import contextlib
import importlib
import signal
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

from hydra.core.hydra_config import HydraConfig
from hydra.core.utils import JobReturn
from hydra.plugins.launcher import Launcher
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig, OmegaConf

from runner.cores import SHARE

ROOT: Final = Path(__file__).resolve().parents[2]


class Task:
    """What every launcher calls for a job: ``work`` of its number."""

    def __init__(self, work: Callable[[int], float]) -> None:
        self.work = work

    def __call__(self, composed: DictConfig) -> float:
        """Hydra's task function."""
        return self.work(int(HydraConfig.get().job.num))


class RayLauncher(Launcher):
    """Starts the runs as the cluster has room, and waits for all.

    Args:
        init: Arguments of ``ray.init``.
        remote: What a run needs: options of a Ray task.
    """

    def __init__(self, init: DictConfig, remote: DictConfig) -> None:
        self._init: Any = OmegaConf.to_container(init, resolve=True)
        self._remote: Any = OmegaConf.to_container(remote, resolve=True)

    def setup(
        self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig
    ) -> None:
        """Keeps what is to be called."""
        assert isinstance(task_function, Task)
        self._task = task_function

    def launch(
        self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int
    ) -> Sequence[JobReturn]:
        """Calls the task with each job's number; what goes wrong in one stays with it."""
        ray: Any = importlib.import_module("ray")  # it is optional
        work = self._task.work

        def make(number: int) -> float:
            return work(number)

        before = signal.getsignal(signal.SIGTERM)
        share = {SHARE: str(max(int(self._remote["num_cpus"]), 1))}
        ray.init(runtime_env={"env_vars": {"PYTHONPATH": str(ROOT), **share}}, **self._init)
        signal.signal(signal.SIGTERM, before)  # which Ray takes
        try:
            task = ray.remote(**self._remote)(make)
            numbers = range(initial_job_idx, initial_job_idx + len(job_overrides))
            for job in [task.remote(number) for number in numbers]:
                with contextlib.suppress(ray.exceptions.RayError):
                    ray.get(job)
        finally:
            ray.shutdown()
        return [JobReturn() for _ in job_overrides]
