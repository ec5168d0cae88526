"""Runs by Hydra's launchers and sweepers, and their state after a kill."""

from __future__ import annotations

import functools
import json
import os
import pickle
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from runner.errors import UserError
from runner.run_directory import RunDirectory
from runner.settings import launchers, sweeps
from runner.sweep.folder import (
    DONE,
    FAILED,
    NOT_STARTED,
    RUNNING,
    STOPPED,
    Record,
    SweepDirectory,
    state_of,
)
from runner.sweep.progress import SweepProgress

PLACES = [
    "plain", "with space", "it's", "größe", "a=b,c", "[x]", "{y}", 'say "hi"', "100%", "$HOME",
    "~tilde", "back\\slash", "(a)", "#1", "&", "日本",
]  # fmt: skip


def noted(folder: str, number: int, chosen: Sequence[str]) -> float | None:
    """A run that only writes down its overrides; every third fails."""
    Path(folder, f"{number}.txt").write_text("\n".join(chosen))
    return None if number % 3 == 2 else number / 2


def chosen(folder: Path) -> list[list[str]]:
    return [path.read_text().splitlines() for path in sorted(folder.glob("*.txt"))]


@pytest.mark.parametrize("place", PLACES)
def test_every_run_is_launched_once(tmp_path: Path, place: str) -> None:
    hydra = sweeps.hydra_settings([])
    work = functools.partial(noted, str(tmp_path))
    launchers.multirun(hydra, tmp_path / place, {"run": "0,2,5"}, work)
    assert chosen(tmp_path) == [["run=0"], ["run=2"], ["run=5"]]
    assert (tmp_path / place / "multirun.yaml").exists()


@pytest.mark.needs("sweeps")
@pytest.mark.parametrize("launcher", ["joblib", "submitit_local"])
def test_launchers_that_start_processes(
    tmp_path: Path, launcher: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = Path(__file__).parent
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(here), str(here.parents[1])]))
    hydra = sweeps.hydra_settings([f"hydra/launcher={launcher}"])
    work = functools.partial(noted, str(tmp_path))
    launchers.multirun(hydra, tmp_path / "it's", {"run": "0,2,5"}, work)
    assert chosen(tmp_path) == [["run=0"], ["run=2"], ["run=5"]]


def interrupted(folder: str, number: int, chosen: Sequence[str]) -> float | None:
    """A run whose process receives the terminal's signals."""
    os.kill(os.getpid(), signal.SIGINT)
    os.kill(os.getpid(), signal.SIGHUP)
    return noted(folder, number, chosen)


@pytest.mark.needs("sweeps")
@pytest.mark.parametrize("launcher", ["joblib", "submitit_local"])
def test_workers_do_not_end_with_the_terminals_signals(
    tmp_path: Path, launcher: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = Path(__file__).parent
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(here), str(here.parents[1])]))
    hydra = sweeps.hydra_settings([f"hydra/launcher={launcher}"])
    work = functools.partial(interrupted, str(tmp_path))
    script = "; ".join([
        "import pickle, sys",
        "from pathlib import Path",
        "from runner.interrupts import children_spared",
        "from runner.settings import launchers",
        "settings = pickle.load(sys.stdin.buffer)",
        "spared = children_spared()",
        "spared.__enter__()",
        "launchers.multirun(*settings)",
    ])  # fmt: skip
    settings = pickle.dumps((hydra, tmp_path / "sweep", {"run": "0,1"}, work))
    command = [sys.executable, "-c", script]  # outside pytest, whose trackers are already running
    ended = subprocess.run(command, input=settings, capture_output=True, check=False)
    assert (ended.returncode, ended.stderr) == (0, b"")
    assert chosen(tmp_path) == [["run=0"], ["run=1"]]


@pytest.mark.needs("sweeps")
@pytest.mark.parametrize("launcher", ["basic", "joblib"])
def test_a_search_receives_the_result(tmp_path: Path, launcher: str) -> None:
    settings = ["hydra/sweeper=optuna", "hydra.sweeper.n_trials=5", "hydra.sweeper.n_jobs=2"]
    hydra = sweeps.hydra_settings([*settings, f"hydra/launcher={launcher}"])
    params = {"agent": "choice(dqn,fast)", "agent.gamma": "interval(0.9,0.99)"}
    launchers.multirun(hydra, tmp_path, params, functools.partial(noted, str(tmp_path)))
    asked = chosen(tmp_path)
    assert len(asked) == 5
    assert all([text.partition("=")[0] for text in run] == list(params) for run in asked)
    found = (tmp_path / "optimization_results.yaml").read_text()
    assert "best_value: 2.0" in found  # of the fifth run
    assert asked[4][1].replace("=", ": ") in found


# --- What a kill leaves -----------------------------------------------------------------------


def made(folder: Path, record: Record | None, *, complete: bool) -> RunDirectory:
    folder.mkdir()
    run = RunDirectory(folder)
    if record is not None:
        record.write(run)
    if complete:
        run.write_result({"evaluation": {"mean": 2.5}})
    return run


@pytest.mark.parametrize(
    ("record", "complete", "expected"),
    [
        (None, False, NOT_STARTED),
        (None, True, DONE),
        (Record(), False, STOPPED),  # killed during the run
        (Record(), True, DONE),  # killed as the run finished
        (Record(DONE, ended=2.0), True, DONE),
        (Record(STOPPED, ended=2.0), False, STOPPED),
        (Record(FAILED, reason="x"), False, FAILED),
        (Record(FAILED, reason="x"), True, DONE),  # resumed outside of the sweep
    ],
)
def test_a_dead_run_is_not_running(
    tmp_path: Path, record: Record | None, complete: bool, expected: str
) -> None:
    run = made(tmp_path / "run", record, complete=complete)
    assert state_of(run) == expected
    if record is not None:
        assert json.loads((run.folder / "job.json").read_text())["state"] == expected


def test_a_locked_run_is_running(tmp_path: Path) -> None:
    run = made(tmp_path / "run", Record(), complete=False)
    with run.locked():
        assert state_of(run) == RUNNING


WORKER = """
import os, sys, time
from runner.sweep.job import Jobs, run_job
jobs = Jobs("sweep", os.getcwd(), [["seed=1"]], [], ["seed"], at_once=1, pid=int(sys.argv[1]))
print(run_job(jobs, 0, ["run=0"]), flush=True)
time.sleep(600)
"""


@pytest.mark.parametrize("is_killed_before", [True, False])
def test_a_worker_ends_when_its_sweep_is_killed(tmp_path: Path, is_killed_before: bool) -> None:
    sweep = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    (tmp_path / "sweep").mkdir()
    if is_killed_before:
        sweep.kill()
    else:
        SweepDirectory(tmp_path / "sweep").ask_to_stop()
    command = [sys.executable, "-c", WORKER, str(sweep.pid)]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    worker = subprocess.Popen(command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE)
    try:
        assert worker.stdout is not None
        said = worker.stdout.readline().strip()
        assert said == b"None" or (is_killed_before and not said)
        sweep.kill()
        assert worker.wait(60) == 0
        assert not (tmp_path / "sweep" / "seed=1").exists()  # nothing was started
    finally:
        for process in (sweep, worker):
            process.kill()
            process.wait()


def test_progress_survives_missing_and_broken_files(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    directory = SweepDirectory(tmp_path)
    names = ["announced", "damaged", "folder", "done"]
    with SweepProgress(directory, names, 4, at_once=1):
        made(tmp_path / "announced", Record(), complete=False)  # before its log exists
        made(tmp_path / "damaged", None, complete=False)
        (tmp_path / "damaged" / "job.json").write_text('{"state":')
        made(tmp_path / "folder", Record(), complete=False)
        (tmp_path / "folder" / "log.txt").mkdir()
        time.sleep(0.7)
        run = made(tmp_path / "done", Record(), complete=False)
        (run.folder / "log.txt").write_bytes(b"caf\xe9\n")
        time.sleep(0.7)
        Record(DONE, ended=time.time()).write(run)  # its result was removed
    shown: Any = capsys.readouterr()
    assert shown.err == ""
    assert "[1/4] announced: started, log" in shown.out
    assert "caf\ufffd" in shown.out
    assert "[4/4] done: done after 0:0" in shown.out


def test_the_log_of_a_restarted_run_is_shown_from_its_start(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = made(tmp_path / "run", Record(STOPPED, began=1.0), complete=False)
    (run.folder / "log.txt").write_text("before\n" * 100)
    with SweepProgress(SweepDirectory(tmp_path), ["run"], 1, at_once=1):
        (run.folder / "log.txt").write_text("")  # the earlier log was set aside
        Record().write(run)
        time.sleep(0.7)
        (run.folder / "log.txt").write_text("after\n")
        Record(DONE, ended=time.time()).write(run)
    shown = capsys.readouterr().out
    assert "\nafter\n" in shown
    assert "before" not in shown


def test_one_process_at_a_time(tmp_path: Path) -> None:
    directory = SweepDirectory(tmp_path / "a")
    with directory.locked(), pytest.raises(UserError, match="no other process"):
        directory.locked().__enter__()
