"""Failing runs: one clear line, and earlier files stay intact."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest
from commands.commands_started import ROOT, finish, start, until_training

from runner.__main__ import main as train
from runner.interrupts import Interrupts

TINY = (
    "agent=dqn", "env=breakout", "env.num_envs=2", "env.max_frames=200", "model.hidden=[16,8]",
    "memory.limit=6000", "train.warmup=300", "eval.episodes=1", "logger.interval=0.1",
    "agent.jit_compile=false", "video=off",
)  # fmt: skip


def resumed(here: Callable[..., Any], folder: Path) -> Any:
    """Resumes the run for a few steps."""
    newest = max((folder / "checkpoints").glob("*.state.npz"))
    step = int(newest.name.removeprefix("step_").removesuffix(".state.npz"))
    return here(train, f"resume={folder}", f"train.steps={step + 100}")


@pytest.mark.slow
def test_a_dead_emulator(here: Callable[..., Any], tmp_path: Path) -> None:
    process = start("runner", [*TINY, "hydra.run.dir=run"], tmp_path)
    until_training(process)
    children = psutil.Process(process.pid).children()
    (emulator, *_) = [c for c in children if "spawn_main" in " ".join(c.cmdline())]
    emulator.kill()
    ended = finish(process)
    assert ended.code == 1
    assert ended.err == (f"error: an emulator process died (pid {emulator.pid}, exit code -9)\n")
    assert resumed(here, tmp_path / "run").code == 0


@pytest.mark.slow
def test_a_full_disk(here: Callable[..., Any], tmp_path: Path) -> None:
    # No file may exceed 250 kB: the second checkpoint's 2,000 new transitions do not fit.
    process = subprocess.Popen(
        [sys.executable, "-m", "runner", *TINY, "checkpoint.interval=2000", "hydra.run.dir=run"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (250_000, 250_000)),
    )
    ended = finish(process)
    assert ended.code == 1
    (line,) = ended.err.splitlines()
    assert line.startswith("error: the checkpoint at step 200")
    assert "the previous checkpoint is intact" in line
    assert not list((tmp_path / "run").rglob("*.tmp"))
    assert resumed(here, tmp_path / "run").code == 0


DIVERGES = ("agent.learning_rate=1e30", "agent.delta_clip=inf", "agent.reward_clip=inf")


@pytest.mark.slow
@pytest.mark.parametrize("policy", ["linear", "boltzmann"])
@pytest.mark.parametrize("agent", ["dqn", "keras_rl2"])
def test_a_diverging_training(agent: str, policy: str, here: Callable[..., Any]) -> None:
    chosen = [f"agent={agent}", f"policy={policy}", "train.steps=400"]
    tiny = [s for s in TINY if s != "agent=dqn" and (agent == "dqn" or "num_envs" not in s)]
    ended = here(train, *tiny, *chosen, *DIVERGES, "train.warmup=100", "hydra.run.dir=run")
    assert ended.code == 1
    (line,) = ended.err.splitlines()
    assert line.startswith("error: the training has diverged")
    assert "agent.learning_rate" in line
    assert not Path("run/result.json").exists()
    assert not list(Path("run/weights").iterdir())


@pytest.mark.slow
def test_a_time_limit_signal_saves_and_continues(tmp_path: Path) -> None:
    process = start("runner", [*TINY, "hydra.run.dir=run"], tmp_path)
    until_training(process)
    folder = tmp_path / "run" / "checkpoints"
    before = set(folder.glob("*.state.npz"))
    os.killpg(process.pid, signal.SIGUSR1)
    until = time.monotonic() + 20
    while set(folder.glob("*.state.npz")) == before and time.monotonic() < until:
        time.sleep(0.05)
    assert set(folder.glob("*.state.npz")) != before
    until_training(process)
    os.killpg(process.pid, signal.SIGINT)
    assert finish(process).code == 130


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
def test_the_first_signal_requests_a_stop_and_the_second_exits(
    number: signal.Signals, code: int
) -> None:
    asked = []
    before = signal.getsignal(number)
    with Interrupts(stop=lambda: asked.append(1), save=lambda: None) as interrupts:
        os.kill(os.getpid(), number)
        assert asked == [1]
        assert interrupts.exit_code == code
        with pytest.raises(SystemExit) as ended:
            os.kill(os.getpid(), number)
        assert ended.value.code == code
    assert signal.getsignal(number) is before
