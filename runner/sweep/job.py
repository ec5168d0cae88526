"""One run of a sweep: ``python -m runner`` in a process of its own, wherever it was launched.

The process is asked to stop by closing its standard input. So it also stops, and saves, when the
process that waits for it here is killed.
"""

from __future__ import annotations

import os
import platform
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psutil

from runner.cores import SHARE, share_of
from runner.errors import RunError, UserError
from runner.interrupts import EXIT_CODES, STOP_WITH_STDIN
from runner.sweep.folder import (
    DONE,
    FAILED,
    RUNNING,
    STOPPED,
    Record,
    SweepDirectory,
    is_resumable,
    outcome,
    set_aside,
)

ROOT: Final = Path(__file__).resolve().parents[2]
LOG: Final = "log.txt"
LOOK: Final = 0.2  # seconds between two looks at whether to stop
PATIENCE: Final = 60.0  # seconds for the process of an earlier sweep to save and leave


@dataclass(frozen=True)
class Jobs:
    """The runs of a sweep, as every process that makes one needs to know them."""

    sweep: str  # the sweep's folder, absolute
    cwd: str  # where it was typed: what relative paths are relative to
    runs: Sequence[tuple[str, Sequence[str]]]  # name and settings of each
    at_once: int | None  # that share this machine; None: a scheduler gives each its share
    pid: int  # of the sweep, on this machine unless a scheduler chooses the machine


def run_job(jobs: Jobs, number: int) -> float:
    """Makes one run: starts it, or resumes it; nothing if it is complete.

    Args:
        jobs: The runs.
        number: Which of them.

    Returns:
        The mean return of the run's evaluation.

    Raises:
        RunError: It failed, or was stopped; its record says so too.
    """
    name, _ = jobs.runs[number]
    directory = SweepDirectory(Path(jobs.sweep))
    run = directory.run(name)
    if (mean := outcome(run)) is not None:
        return mean
    if _stop_asked(jobs, directory):
        raise RunError(f"{name}: not started: the sweep was stopped")
    run.folder.mkdir(parents=True, exist_ok=True)
    record = Record(RUNNING, time.time(), platform.node())
    record.write(run.folder)
    try:
        with run.locked(PATIENCE):
            pass  # a process that an earlier sweep left behind is still saving
        if not is_resumable(run) and run.config.exists():
            set_aside(run)
            run.folder.mkdir()
            record.write(run.folder)
        _work(jobs, number, directory, record)
    except (OSError, UserError) as error:
        record.state, record.reason = FAILED, " ".join(str(error).split())
    finally:
        record.ended = time.time()
        record.write(run.folder)
    mean = outcome(run)
    if mean is None:
        raise RunError(f"{name}: {record.reason or record.state}")
    return mean


def _work(jobs: Jobs, number: int, directory: SweepDirectory, record: Record) -> None:
    """Has a process make the run, and notes how it ended; STOPPED if this one is asked to leave."""
    name, overrides = jobs.runs[number]
    run = directory.run(name)
    record.state = STOPPED
    if is_resumable(run):
        settings = [f"resume={run.folder}"]
        settings += [text for text in overrides if text.startswith("model.builder=")]
    else:
        settings = [*overrides, "hydra.mode=RUN", f"hydra.run.dir={run.folder}"]
    with (run.folder / LOG).open("ab") as log:
        begin = log.tell()
        process = subprocess.Popen(
            [sys.executable, "-m", "runner", *settings],
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=subprocess.STDOUT,
            cwd=jobs.cwd,
            env=environment(jobs.at_once, number),
            start_new_session=True,  # a terminal's signals are the sweep's to answer
        )
        try:
            _wait(process, jobs, directory)
        finally:  # also when this process is asked to leave at once
            assert process.stdin is not None
            process.stdin.close()
            code = process.wait()
    if outcome(run) is not None:
        record.state = DONE
    elif not directory.stop_asked and code not in EXIT_CODES.values():
        record.state, record.reason = FAILED, _reason(run.folder / LOG, begin, code)


def _stop_asked(jobs: Jobs, directory: SweepDirectory) -> bool:
    """Whether the sweep asks to stop, or was killed. On a cluster, runs outlive their sweep."""
    if directory.stop_asked or jobs.at_once is None:
        return directory.stop_asked
    try:
        return psutil.Process(jobs.pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def _wait(process: subprocess.Popen[bytes], jobs: Jobs, directory: SweepDirectory) -> None:
    """Waits for the end of the process, or for the wish to stop."""
    while not _stop_asked(jobs, directory):
        try:
            process.wait(LOOK)
        except subprocess.TimeoutExpired:
            continue
        return


def environment(at_once: int | None, number: int) -> dict[str, str]:
    """Environment of the process: its share of the cores and its GPU."""
    share = str(share_of(at_once or 1))
    environment = {
        **os.environ,
        SHARE: share,
        "OMP_NUM_THREADS": share,
        "PYTHONPATH": os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")])),
        "PYTHONUNBUFFERED": "1",
        STOP_WITH_STDIN: "1",
    }
    if at_once is not None and at_once > 1 and (names := gpus()):
        environment["CUDA_VISIBLE_DEVICES"] = names[number % len(names)]
    return environment


def gpus() -> list[str]:
    """Names of the GPUs that may be used, as CUDA_VISIBLE_DEVICES has them."""
    if "CUDA_VISIBLE_DEVICES" in os.environ:
        return [name for name in os.environ["CUDA_VISIBLE_DEVICES"].split(",") if name]
    if shutil.which("nvidia-smi") is None:
        return []
    listed = subprocess.run(
        ["nvidia-smi", "--query-gpu=index", "--format=csv,noheader"],
        capture_output=True,
        text=True,
        check=False,
    )
    return listed.stdout.split() if listed.returncode == 0 else []


def _reason(log: Path, begin: int, code: int) -> str:
    """The line of the log that says why: the error's, or else the last one."""
    with log.open("rb") as file:
        file.seek(begin)
        lines = [line.strip() for line in file.read().decode(errors="replace").splitlines()]
    errors = [line.removeprefix("error: ") for line in lines if line.startswith("error: ")]
    if errors:
        return errors[-1]
    if code < 0:
        return f"ended by signal {-code} ({signal.Signals(-code).name})"
    last = next((line for line in reversed(lines) if line), "no output")
    return f"exit code {code}: {last}"
