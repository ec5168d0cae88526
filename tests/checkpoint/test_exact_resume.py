"""A resumed run is bit-identical to an uninterrupted one."""

from __future__ import annotations

import os
import random
import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from checkpoint.runs import PIXEL, PRIORITISED, RULES, SMALL, assert_same_run
from commands.commands_started import finish, start
from marks import THOROUGH

from runner.__main__ import main


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> None:
    monkeypatch.setattr("sys.argv", ["runner", *arguments])  # Hydra reads it
    assert main(list(arguments)) == 0


EVERY_INPUT = (
    "model.inputs=[standardized,changes,places,{kind:places,of:[70,70-30]},{kind:bits,of:[36]}]"
)


@pytest.mark.parametrize(
    ("num_envs", "settings"),
    [
        pytest.param(1, RULES, marks=pytest.mark.slow),
        # Also priorities, annealing of the importance weights, the rest of a repeated action,
        # averaged weights, and the schedule of the learning rate.
        (
            4,
            (
                "obs=ram",
                *PRIORITISED,
                "memory.border=redraw",
                "policy.name=eps_z_greedy",
                "agent.ema_decay=0.9",
                "agent.lr_decay_steps=400",
                "agent.lr_hold=0.5",
                "agent.n_step=3",
            ),
        ),
        pytest.param(4, ("obs=ram", "model.gains=true", EVERY_INPUT), marks=pytest.mark.slow),
        pytest.param(4, PIXEL, marks=pytest.mark.slow),
    ],
    ids=["rules", "ram prioritised", "every input", "pixel of 4 games"],
)
def test_resumed_once_or_twice_is_exact(
    num_envs: int, settings: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    typed = [*SMALL, *settings, f"env.num_envs={num_envs}", "seed=5"]
    run(monkeypatch, *typed, "train.steps=500", "hydra.run.dir=whole")
    run(monkeypatch, *typed, "train.steps=130", "hydra.run.dir=parts")
    if settings is RULES:
        run(monkeypatch, "resume=parts", "train.steps=333", "checkpoint.interval=70")
    run(monkeypatch, "resume=parts", "train.steps=500")
    assert_same_run(Path("parts"), Path("whole"))


# --- killed ---------------------------------------------------------------------------------------

# Frequent checkpoints, so that kills often interrupt a write.
KILLED = (
    *SMALL, "checkpoint.interval=8", "env.num_envs=4", "seed=2", "train.steps=1200",
    "logger.interval=0.05",
)  # fmt: skip
KILLS = 10 if THOROUGH else 2  # per chain
CHAINS = {1: (), 2: PRIORITISED} if THOROUGH else {2: PRIORITISED}  # extra settings


def killed(arguments: list[str], cwd: Path, moment: float, *, of_training: bool) -> None:
    """Kills a run's process group ``moment`` seconds after its start or first progress line."""
    process = start("runner", arguments, cwd)
    assert process.stdout is not None
    if of_training:
        for line in process.stdout:
            if "steps/s" in line:
                break
    threading.Event().wait(moment)
    os.killpg(process.pid, signal.SIGKILL)
    finish(process)


def chain(number: int, cwd: Path) -> tuple[Path, int, int]:
    """A run that is killed ``KILLS`` times and stopped once, then finishes.

    Returns:
        Its folder, the number of kills after a checkpoint, and the number during a write.
    """
    moments = random.Random(number)
    folder = cwd / f"chain{number}"
    command = [*KILLED, *CHAINS[number], f"hydra.run.dir={folder}"]
    saved = half = 0
    for kill in range(KILLS):
        # Some kills hit the start: before the folder exists, or before the first checkpoint.
        early = kill % 5 == 0
        moment = moments.uniform(0.5, 3.5) if early else moments.uniform(0.0, 0.5)
        killed(command, cwd, moment, of_training=not early)
        if (folder / "config.yaml").exists():
            command = [f"resume={folder}"]
        saved += any(folder.glob("checkpoints/*.state.npz"))
        half += any(folder.glob("checkpoints/.*.tmp"))
    process: Any = start("runner", command, cwd)
    for line in process.stdout:
        if "steps/s" in line and "| 0% |" not in line:
            break
    os.killpg(process.pid, signal.SIGTERM)
    ended = finish(process)
    assert (ended.code, ended.err) == (143, "")
    assert not (folder / "result.json").exists()
    ended = finish(start("runner", [f"resume={folder}"], cwd))
    assert (ended.code, ended.err) == (0, "")
    assert not list(folder.glob("checkpoints/.*.tmp")), "left by a kill"
    return folder, saved, half


@pytest.mark.slow
def test_killed_stopped_and_resumed(tmp_path: Path) -> None:
    with ThreadPoolExecutor(2) as both:
        chains = list(both.map(lambda number: chain(number, tmp_path), CHAINS))
    for (folder, saved, half), settings in zip(chains, CHAINS.values(), strict=True):
        whole = f"{folder}_whole"
        ended = finish(start("runner", [*KILLED, *settings, f"hydra.run.dir={whole}"], tmp_path))
        assert ended.code == 0, ended.err
        print(f"{folder.name}: {saved} of {KILLS} kills after a checkpoint, {half} within one")
        assert_same_run(folder, Path(whole))
        assert saved >= KILLS // 2
