"""Runs of the commands, each started once: startup takes seconds."""

from __future__ import annotations

import contextlib
import io
import json
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
from checkpoint.runs import PIXEL, SMALL
from commands.commands_started import Ended, finish, start, until_training

XLA_OFF = "agent.jit_compile=false"
# Short games, a small memory, a progress line every half second.
SHORT = (
    "memory.limit=3000",
    "eval.episodes=2",
    "env.max_frames=100",
    "logger.interval=0.5",
    "video=off",
)

Once = Callable[..., Path]


class Run(NamedTuple):
    ended: Ended
    folder: Path


def made(once: Once, name: str, *arguments: str, interrupt: bool = False) -> Run:
    """A run in a separate process, started once; ``interrupt`` sends Ctrl-C during training."""

    def make(parent: Path) -> None:
        parent.mkdir()
        typed = [*arguments, f"hydra.run.dir={parent / name}"]
        process = start("runner", typed, parent)
        seen = until_training(process) if interrupt else ""
        if interrupt:
            os.killpg(process.pid, signal.SIGINT)
        ended = finish(process)
        ended = ended._replace(out=seen + ended.out)
        (parent / "ended.json").write_text(json.dumps(ended))

    parent = once(f"run_{name}", make)
    return Run(Ended(*json.loads((parent / "ended.json").read_text())), parent / name)


@pytest.fixture(scope="session")
def pixel_run(once: Once) -> Run:
    settings = ("train=smoke", "checkpoint.interval=200", "env.num_envs=16", "train.warmup=300")
    return made(once, "pixel", "env=breakout", *PIXEL, XLA_OFF, *SHORT, *settings)


@pytest.fixture(scope="session")
def stock_run(once: Once) -> Run:
    return made(once, "stock", "env=pong", "obs=ram", "agent=keras_rl2", "train=smoke", *SHORT)


@pytest.fixture(scope="session")
def tiny_run(once: Once) -> Run:
    return made(once, "tiny", *SMALL, "env.num_envs=2", "train.steps=130")


@pytest.fixture(scope="session")
def interrupted_run(once: Once) -> Run:
    settings = (XLA_OFF, "env=breakout", "env.num_envs=16", "agent=dqn", "train.warmup=200")
    return made(once, "interrupted", *SHORT, *settings, interrupt=True)


@pytest.fixture(scope="session")
def interrupted_stock_run(once: Once) -> Run:
    settings = ("env=pong", "agent=keras_rl2", "train.warmup=200")
    return made(once, "interrupted_stock", *SHORT, *settings, interrupt=True)


Command = Callable[..., Ended]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    """Calls a command in this process, in an empty folder."""
    monkeypatch.chdir(tmp_path)

    def call(main: Callable[[list[str]], int], *arguments: str) -> Ended:
        monkeypatch.setattr(sys, "argv", ["command", *arguments])  # Hydra reads it
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = main(list(arguments))
        return Ended(code, out.getvalue(), err.getvalue())

    return call
