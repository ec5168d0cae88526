"""A sweep that is killed at any moment resumes to the results of an undisturbed one.

With ``RUNNER_THOROUGH=1``, at twenty moments per launcher. ``test_sweeps`` kills once, always.
"""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest
from commands.commands_started import finish, start
from marks import THOROUGH
from sweeps.results import results

SETTINGS = (
    "-m", "seed=0,1", "agent=dqn", "env=breakout", "env.num_envs=2", "env.max_frames=200",
    "agent.batch_size=8", "memory.limit=300", "train.warmup=64", "model.hidden=[16,8]",
    "eval.episodes=2", "eval.interval=300", "train.steps=600", "checkpoint.interval=100",
    "agent.jit_compile=false", "video=off",
)  # fmt: skip
MOMENTS = 20 if THOROUGH else 1
LAUNCHERS = {
    "basic": [],
    "joblib": ["hydra/launcher=joblib"],
    "ray": ["hydra/launcher=ray", "hydra.launcher.remote.num_cpus=1"],
}

pytestmark = [
    pytest.mark.slow,
    pytest.mark.needs("sweeps"),
    pytest.mark.skipif(not THOROUGH, reason="RUNNER_THOROUGH=1 runs it"),
]


def sweep_to_end(folder: str, cwd: Path, *settings: str) -> None:
    ended = finish(start("runner", [*SETTINGS, *settings, f"hydra.sweep.dir={folder}"], cwd), 1200)
    assert ended.code == 0, ended.err
    records = [json.loads(path.read_text()) for path in (cwd / folder).glob("*/job.json")]
    assert [record["state"] for record in records] == ["done", "done"]


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], float]:
    """Results and duration of an undisturbed sweep."""
    cwd = tmp_path_factory.mktemp("undisturbed")
    began = time.monotonic()
    sweep_to_end("sweep", cwd)
    return results(cwd / "sweep"), time.monotonic() - began


def killed(process: Any, happened: Callable[[], bool]) -> None:
    """Kills a sweep and all its processes, as a power cut does, once ``happened``."""
    while process.poll() is None and not happened():
        time.sleep(0.01)
    below = psutil.Process(process.pid).children(recursive=True) if process.poll() is None else []
    for victim in [process, *below]:
        try:
            victim.send_signal(signal.SIGKILL)
        except (psutil.NoSuchProcess, ProcessLookupError):
            continue
    process.communicate()


@pytest.mark.parametrize("moment", range(MOMENTS))
@pytest.mark.parametrize("launcher", LAUNCHERS if THOROUGH else ["basic"])
def test_a_killed_sweep_resumes_to_the_same_results(
    undisturbed: tuple[dict[str, Any], float], tmp_path: Path, launcher: str, moment: int
) -> None:
    expected, seconds = undisturbed
    settings = [*SETTINGS, *LAUNCHERS[launcher], "hydra.sweep.dir=sweep"]
    process = start("runner", settings, tmp_path)
    if moment == 0:  # as the first run finishes
        killed(process, lambda: any((tmp_path / "sweep").glob("*/result.json")))
    else:
        at = time.monotonic() + seconds * moment / MOMENTS
        killed(process, lambda: time.monotonic() > at)
    sweep_to_end("sweep", tmp_path, *LAUNCHERS[launcher])
    assert results(tmp_path / "sweep") == expected
