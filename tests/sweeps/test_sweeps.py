"""Sweeps of the real game from the command line: failures, kills, resumes."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import psutil
import pytest
from commands.commands_started import Ended, finish, start
from marks import THOROUGH
from sweeps.results import results

GAME = (
    "agent=dqn", "env=breakout", "env.num_envs=2", "env.max_frames=200", "agent.batch_size=8",
    "memory.limit=300", "train.warmup=64", "model.hidden=[16,8]", "eval.episodes=1",
    "eval.interval=0", "logger.interval=0.1", "agent.jit_compile=false", "video=off",
    "hydra.sweep.dir=sweep",
)  # fmt: skip
TINY = (*GAME, "train.steps=130")
LONG = (*GAME, "train.steps=4000")

pytestmark = pytest.mark.slow

RAY = str(Path(sys.executable).with_name("ray"))


def started(*arguments: str, cwd: Path) -> subprocess.Popen[str]:
    return start("runner", arguments, cwd)


def ended(*arguments: str, cwd: Path) -> Ended:
    return finish(started(*arguments, cwd=cwd))


def means(folder: Path) -> dict[str, float]:
    """Mean evaluation scores of the finished runs, by name."""
    return {
        path.parent.name: json.loads(path.read_text())["evaluation"]["mean"]
        for path in folder.glob("*/result.json")
    }


def until(happened: Callable[[], bool], seconds: float = 400) -> None:
    end = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.05)


def training(folder: Path, *names: str) -> Callable[[], bool]:
    """Whether all these runs have logged training progress."""
    logs = [folder / name / "log.txt" for name in names]
    return lambda: all(log.exists() and "steps/s" in log.read_text() for log in logs)


def processes_in(folder: Path) -> list[psutil.Process]:
    """Processes of a sweep's runs."""
    found = []
    for process in psutil.process_iter(["cmdline", "cwd"]):
        words = process.info["cmdline"] or []
        runs = [word for word in words if word.startswith(("hydra.run.dir=", "resume="))]
        if runs and folder.name in runs[-1] and process.info["cwd"] == str(folder.parent):
            found.append(process)
    return found


def test_a_run_that_fails_leaves_the_others_running(tmp_path: Path) -> None:
    bad = ["agent.delta_clip=inf", "agent.reward_clip=inf"]
    sweep = ended("-m", "agent.learning_rate=1e30,0.001", *bad, *TINY, cwd=tmp_path)
    folder = tmp_path / "sweep"
    assert sweep.code == 1
    assert set(means(folder)) == {"agent.learning_rate=0.001"}
    (line,) = sweep.err.splitlines()
    failed = "agent.learning_rate=1e+30"
    assert line.startswith(f"error: {failed}: the training has diverged")
    assert line.endswith(f"(log: sweep/{failed}/log.txt)")
    assert f"[1/2] {failed}: failed after" in sweep.out
    assert "[2/2] agent.learning_rate=0.001: done after" in sweep.out
    assert "sweep: 1 of 2 run(s) done" in sweep.out
    log = (folder / "agent.learning_rate=0.001" / "log.txt").read_text()
    assert "1 thread(s)" in log
    assert log in sweep.out  # also shown, as runs are sequential


@pytest.mark.needs("sweeps")
def test_optuna_repeats_the_same_search(tmp_path: Path) -> None:
    search = ["experiment=search", "policy.nb_steps=1000", "hydra.sweeper.n_jobs=2"]
    search += [text for text in TINY if not text.startswith(("model.hidden", "agent=dqn"))]
    two = [*search, "hydra.sweeper.n_trials=2", "hydra/launcher=joblib"]
    first = ended(*two, cwd=tmp_path)
    assert (first.code, first.err) == (0, "")
    found = means(tmp_path / "sweep")
    assert len(found) == 2
    best = max(found.values())
    text = (tmp_path / "sweep" / "optimization_results.yaml").read_text()
    assert f"best_value: {best}" in text
    for name in found:
        for key in ("agent.learning_rate=", "model.hidden=", "obs.window="):
            assert key in name
    again = ended(*two, cwd=tmp_path)
    assert (again.code, again.err) == (0, "")
    assert "started" not in again.out
    assert means(tmp_path / "sweep") == found


# --- Ray ------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Two Ray nodes of one core each on this machine; yields the address and their processes."""
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    folder = tmp_path_factory.mktemp("ray")
    # A short path: those of Ray's sockets below it may have 107 characters.
    sockets = tempfile.mkdtemp(prefix="ray-")
    head = ["--head", f"--port={port}", "--include-dashboard=false"]
    nodes = [
        ("127.0.0.1", [*head, f"--temp-dir={sockets}"]),
        ("127.0.0.2", [f"--address=127.0.0.1:{port}"]),
    ]
    environment = {**os.environ, "RAY_AUTH_MODE": "disabled", "RAY_USAGE_STATS_ENABLED": "0"}
    processes = []
    try:
        for number, (address, options) in enumerate(nodes):
            log = folder / f"{number}.log"
            with log.open("w") as output:
                processes.append(
                    subprocess.Popen(
                        [RAY, "start", "--block", "--num-cpus=1",
                         f"--node-ip-address={address}", *options],
                        stdout=output, stderr=output, env=environment, cwd=folder,
                        start_new_session=True,
                    )
                )  # fmt: skip
            until(lambda log=log: "Ray runtime started" in log.read_text())  # type: ignore[misc]
        yield f"127.0.0.1:{port}", processes
    finally:
        for process in reversed(processes):
            process.terminate()
            process.wait(60)
        shutil.rmtree(sockets, ignore_errors=True)


class Spread(NamedTuple):
    """A finished sweep, and the Ray node of each of its runs."""

    folder: Path
    nodes: list[set[int]]


@pytest.fixture(scope="module")
def on_ray(cluster: Any, tmp_path_factory: pytest.TempPathFactory) -> Spread:
    address, nodes = cluster
    cwd = tmp_path_factory.mktemp("on_ray")
    ray = ["hydra/launcher=ray", f"hydra.launcher.init.address={address}"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_AUTH_MODE", "disabled")
        sweep = started("-m", "seed=0,1", *LONG, *ray, "hydra.launcher.remote.num_cpus=1", cwd=cwd)
    folder = cwd / "sweep"
    until(training(folder, "seed=0", "seed=1"))
    above = [
        {node.pid for node in nodes} & {parent.pid for parent in process.parents()}
        for process in processes_in(folder)
    ]
    result = finish(sweep)
    assert (result.code, result.err) == (0, "")
    return Spread(folder, above)


@pytest.mark.needs("sweeps")
def test_ray_spreads_a_sweep_over_two_nodes(on_ray: Spread) -> None:
    one, other = on_ray.nodes
    assert len(one) == len(other) == 1
    assert one != other
    assert set(means(on_ray.folder)) == {"seed=0", "seed=1"}


# --- Kills, Ctrl-C, resumes -----------------------------------------------------------------------


def stopped_with_ctrl_c(sweep: subprocess.Popen[str], folder: Path) -> list[str]:
    """Interrupts a sweep of two runs; returns the arguments that it prints for a resume."""
    os.killpg(sweep.pid, signal.SIGINT)  # like a terminal: also to the workers
    stopped = finish(sweep)
    assert stopped.code == 130
    assert stopped.err == ""
    assert "seed=0: stopped" in stopped.out
    command = shlex.split(stopped.out.splitlines()[-1])
    assert command == ["python", "-m", "runner", f"sweep.resume={folder.name}"]
    assert processes_in(folder) == []
    for name in ("seed=0", "seed=1"):
        assert list((folder / name / "checkpoints").glob("*.state.npz"))
        assert json.loads((folder / name / "job.json").read_text())["state"] == "stopped"
    return command[3:]


@pytest.mark.needs("sweeps")
def test_killed_then_stopped_then_resumed_equals_an_undisturbed_sweep(
    on_ray: Spread, tmp_path: Path
) -> None:
    folder = tmp_path / "it's a sweep"
    place = ["hydra/launcher=joblib", f"hydra.sweep.dir={folder.name}"]
    command = ["-m", "seed=0,1", *LONG, *place]
    sweep = started(*command, cwd=tmp_path)
    until(training(folder, "seed=0", "seed=1"))
    sweep.kill()
    sweep.wait()
    until(lambda: not processes_in(folder))  # they noticed, saved and exited
    assert means(folder) == {}

    refused = ended("-m", "seed=0,1", *GAME, "train.steps=7000", *place, cwd=tmp_path)
    assert refused.code == 2
    (line,) = refused.err.splitlines()
    assert "expected the same settings as before" in line
    assert "seed=0 has" in line
    assert line.endswith("train.steps: 4000 -> 7000")

    shutil.rmtree(folder / "seed=1")  # missing runs are started
    sweep = started(*command, cwd=tmp_path)
    log = folder / "seed=0" / "log.txt"
    until(lambda: "resumed at step" in log.read_text() and training(folder, "seed=1")())
    resume = stopped_with_ctrl_c(sweep, folder)

    resumed = ended(*resume, "hydra.launcher.n_jobs=2", cwd=tmp_path)
    assert (resumed.code, resumed.err) == (0, "")
    assert "2 to resume" in resumed.out
    assert (folder / "report" / "report.html").exists()
    assert results(folder) == results(on_ray.folder)


@pytest.mark.skipif(not THOROUGH, reason="RUNNER_THOROUGH=1 runs it")
@pytest.mark.needs("sweeps")
def test_submitit_stopped_and_resumed(tmp_path: Path) -> None:
    sweep = started("-m", "seed=0,1", *LONG, "hydra/launcher=submitit_local", cwd=tmp_path)
    until(training(tmp_path / "sweep", "seed=0", "seed=1"))
    resumed = ended(*stopped_with_ctrl_c(sweep, tmp_path / "sweep"), cwd=tmp_path)
    assert (resumed.code, resumed.err) == (0, "")
    assert set(means(tmp_path / "sweep")) == {"seed=0", "seed=1"}
