"""``python -m runner resume=``: refusals in one line, and settings that may change."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from commands.commands_started import finish, start, until_training

from runner.__main__ import main as train
from runner.api import resume
from runner.errors import UserError
from runner.run_directory import RunDirectory
from runner.settings.resume import named_run


def assert_refused(ended: Any, *words: str, code: int = 2) -> None:
    assert ended.code == code, ended.err
    (line,) = ended.err.splitlines()
    for word in words:
        assert word in line


@pytest.fixture
def resumed(tiny_run: Any, here: Callable[..., Any]) -> Callable[..., Any]:
    """Copies a small run into runs/; returns a function that resumes it with given settings."""
    shutil.copytree(tiny_run.folder, "runs/a")
    return lambda *settings: here(train, *(settings or ["resume=last"]))


def test_refused_or_resumed(resumed: Callable[..., Any]) -> None:
    settings = Path("runs/a/config.yaml").read_text()
    for changes, words in [
        (["env.game=pong", "seed=7"], ["env.game: breakout -> pong", "seed: 0 -> 7", "only"]),
        (["memory.limit=900", "obs.window=2"], ["memory.limit: 300 -> 900", "obs.window"]),
        (["model.hidden=[8]"], ["model.hidden"]),
        (["train.stepz=5"], ["train.stepz", "did you mean train.steps"]),
        (["train.steps=many"], ["train.steps=many", "integer"]),
        (["train.steps=1,2"], ["train.steps=1,2", "one value"]),
        (["~train.steps"], ["~train.steps", "key=value"]),
        (["video.gif_megabytes=2", "video.gif=false"], ["video.gif_megabytes", "to be true"]),
    ]:
        assert_refused(resumed("resume=runs/a", *changes), *words)
    assert Path("runs/a/config.yaml").read_text() == settings
    code = (
        "import filelock, sys; lock = filelock.FileLock('runs/a/.lock'); lock.acquire(); "
        "print(1, flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as other:
        assert other.stdout is not None
        other.stdout.readline()
        assert_refused(resumed("resume=runs/a"), "no other process")
    path = Path("runs/a/config.yaml")  # the initial weights are in the checkpoint
    path.write_text(path.read_text().replace("init_weights: null", "init_weights: gone.h5"))
    changes = ["+train.steps=160", "eval.episodes=2", "logger.interval=1", "checkpoint.keep=3"]
    ended = resumed("resume=last", *changes)
    assert (ended.code, ended.err) == (0, "")
    assert "resumed at step" in ended.out
    assert "steps: 160" in Path("runs/a/config.yaml").read_text()


@pytest.mark.slow
def test_a_resumed_finished_run_is_unfinished_until_its_new_end(
    resumed: Callable[..., Any],
) -> None:
    run = RunDirectory(Path("runs/a"))
    finished = run.final_weights.read_bytes()
    steps = json.loads(run.result.read_text())["steps"]
    longer = ["resume=runs/a", "train.steps=1000000", "logger.interval=0.1"]
    process = start("runner", longer, Path.cwd())
    until_training(process)
    os.killpg(process.pid, signal.SIGINT)
    assert finish(process).code == 130
    assert not run.result.exists()
    assert (run.weights / f"step_{steps}.weights.h5").read_bytes() == finished
    newest = RunDirectory.find(run.folder)[1].name
    assert newest.startswith("step_")
    assert newest != f"step_{steps}.weights.h5"


def test_a_loggers_settings_are_no_run(
    tmp_path: Path, load: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    RunDirectory.claim(Path("runs/a"), load(), may_rename=False)
    Path("runs/a/wandb/run-1/files").mkdir(parents=True)
    Path("runs/a/wandb/run-1/files/config.yaml").touch()
    os.utime("runs/a/config.yaml", (0, 0))
    assert named_run("resume", "last") == Path("runs/a")


def test_a_file_where_the_checkpoints_should_be(resumed: Callable[..., Any]) -> None:
    Path("runs/a/checkpoints").rename("elsewhere")
    Path("runs/a/checkpoints").write_text("in the way")
    assert_refused(resumed("resume=runs/a"), "checkpoints")


def test_no_run(here: Callable[..., Any]) -> None:
    with pytest.raises(UserError, match="resume: missing; expected resume=DIR"):
        resume("train.steps=5")
    assert_refused(here(train, "resume=last"), "resume=last", "there is none")
    for nowhere in ("nowhere", "~nobody_here"):
        assert_refused(here(train, f"resume={nowhere}"), f"resume={nowhere}", "no config.yaml")
    Path("other").mkdir()
    assert_refused(here(train, "resume=other"), "resume=other", "no config.yaml")
    Path("other/config.yaml").write_text("name: another program\n")
    assert_refused(here(train, "resume=other"), "other", "config.yaml")


def test_a_run_of_the_stock_agent_is_resumed(here: Callable[..., Any]) -> None:
    settings = ["env=pong", "agent=keras_rl2", "memory.limit=500", "train.warmup=64"]
    small = [
        "video=off",
        "train.steps=80",
        "model.hidden=[8]",
        "env.max_frames=100",
        "eval.episodes=1",
    ]
    ended = here(train, *settings, *small, "hydra.run.dir=stock")
    assert ended.code == 0, ended.err
    assert_refused(here(train, "resume=stock"), "resume=stock", "init_weights=", "start_step=")
