"""Runs of the commands, each started once: a start takes seconds."""

from __future__ import annotations

import contextlib
import io
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
from commands_started import Ended, finish, start

# Short games, a small memory, a line of progress every half second.
SHORT = ("memory.limit=3000", "eval.episodes=2", "env.max_frames=100", "logger.interval=0.5")


class Run(NamedTuple):
    ended: Ended
    folder: Path


@pytest.fixture(scope="session")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("elsewhere")


def in_a_process(elsewhere: Path, name: str, *arguments: str) -> Run:
    folder = elsewhere / name
    process = start("runner", [*arguments, *SHORT, f"hydra.run.dir={folder}"], elsewhere)
    return Run(finish(process), folder)


@pytest.fixture(scope="session")
def pixel_run(elsewhere: Path) -> Run:
    return in_a_process(
        elsewhere,
        "pixel",
        "env=breakout",
        "obs=pixel",
        "train=smoke",
        "checkpoint.interval=200",
        "env.num_envs=16",
        "train.warmup=300",
    )


@pytest.fixture(scope="session")
def stock_run(elsewhere: Path) -> Run:
    return in_a_process(elsewhere, "stock", "env=pong", "obs=ram", "agent=keras_rl2", "train=smoke")


def interrupted(elsewhere: Path, name: str, *arguments: str) -> Run:
    """Ctrl-C as soon as the training shows that it goes on."""
    folder = elsewhere / name
    process = start("runner", [*arguments, *SHORT, f"hydra.run.dir={folder}"], elsewhere)
    assert process.stdout is not None
    seen = ""
    for line in process.stdout:
        seen += line
        if "steps/s" in line:
            os.killpg(process.pid, signal.SIGINT)
            break
    ended = finish(process)
    return Run(ended._replace(out=seen + ended.out), folder)


@pytest.fixture(scope="session")
def interrupted_run(elsewhere: Path) -> Run:
    settings = ("env=breakout", "env.num_envs=16", "train.warmup=200")
    return interrupted(elsewhere, "interrupted", *settings)


@pytest.fixture(scope="session")
def interrupted_stock_run(elsewhere: Path) -> Run:
    return interrupted(
        elsewhere, "interrupted_stock", "env=pong", "agent=keras_rl2", "train.warmup=200"
    )


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
