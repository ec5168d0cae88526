"""One run of a sweep: ``python -m runner`` in its own process, wherever it is launched.

A run is idempotent in its folder: it is resumed if it has a checkpoint, and started otherwise.
Its process is asked to stop by closing its standard input. So it also stops, and saves, when the
process that waits for it here is killed.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psutil

from runner.cores import SHARE, share_of
from runner.errors import UserError
from runner.interrupts import EXIT_CODES, STOP_WITH_STDIN
from runner.run_directory import RunDirectory
from runner.settings.sweeps import name_of
from runner.sweep.folder import (
    DONE,
    FAILED,
    LOG,
    STOPPED,
    Record,
    SweepDirectory,
    is_resumable,
    outcome,
    set_aside,
)

ROOT: Final = Path(__file__).resolve().parents[2]
LOOK: Final = 0.2  # seconds between two looks at whether to stop
PATIENCE: Final = 60.0  # seconds for the process of an earlier sweep to save and leave


@dataclass(frozen=True)
class Jobs:
    """The runs of a sweep, as every process that makes one needs to know them."""

    sweep: str  # the sweep's folder, as typed
    cwd: str  # where it was typed: what relative paths are relative to
    runs: Sequence[Sequence[str]]  # the settings of each; of a search: none
    fixed: Sequence[str]  # of a search: the settings that all runs share
    keys: Sequence[str]  # what names the runs
    at_once: int | None  # that share this machine; None: a scheduler gives each its share
    pid: int  # of the sweep, on this machine unless a scheduler chooses the machine

    @property
    def stop_asked(self) -> bool:
        """Whether the sweep asks to stop, or was killed. On a cluster, runs outlive their sweep."""
        return SweepDirectory(Path(self.cwd, self.sweep)).stop_asked or self.sweep_is_gone

    @property
    def sweep_is_gone(self) -> bool:
        """Whether the process of the sweep is known to have ended."""
        if self.at_once is None:
            return False
        try:
            return psutil.Process(self.pid).status() == psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return True

    def settings_of(self, chosen: Sequence[str]) -> Sequence[str]:
        """The settings of the run that a sweeper chose: ``run=3``, or what it searches."""
        return self.runs[int(chosen[0].partition("=")[2])] if self.runs else [*self.fixed, *chosen]


def run_job(jobs: Jobs, number: int, chosen: Sequence[str]) -> float | None:
    """Makes one run, unless it is complete; its record says how it ended.

    Args:
        jobs: The runs.
        number: Of those that were launched.
        chosen: By the sweeper, as ``Jobs.settings_of`` reads it.

    Returns:
        The mean return of the run's evaluation; None: it failed, or was stopped.
    """
    if jobs.pid != os.getpid() and not _leaves_with_sweep.is_set():
        _leaves_with_sweep.set()
        threading.Thread(target=_leave_with_sweep, args=(jobs,), daemon=True).start()
    with _busy:
        return _run_job(jobs, number, chosen)


_busy = threading.Lock()
_leaves_with_sweep = threading.Event()


def _leave_with_sweep(jobs: Jobs) -> None:
    """Ends a launcher's worker when its sweep was killed: joblib's would wait for ever."""
    while not jobs.sweep_is_gone:
        time.sleep(LOOK)
    with _busy:  # the run saves, and its record is written
        os._exit(0)


def _run_job(jobs: Jobs, number: int, chosen: Sequence[str]) -> float | None:
    overrides = jobs.settings_of(chosen)
    name = name_of(overrides, jobs.keys)
    run = RunDirectory(Path(jobs.cwd, jobs.sweep, name))
    if jobs.stop_asked or outcome(run) is not None:
        return outcome(run)
    record = Record()
    try:
        run.folder.mkdir(parents=True, exist_ok=True)
        record.write(run)
        with run.locked(PATIENCE):
            pass  # a process that an earlier sweep left behind is still saving
        if outcome(run) is None:
            folder = Path(jobs.sweep, name)
            if is_resumable(run):
                builder = [text for text in overrides if text.startswith("model.builder=")]
                settings = [f"resume={folder}", *builder]
            else:
                settings = [*overrides, "hydra.mode=RUN", f"hydra.run.dir={folder}"]
                if run.config.exists():
                    set_aside(run)
                    run.folder.mkdir()
                    record.write(run)
            record.reason = _process(jobs, number, run, settings)
        record.state = FAILED if record.reason else STOPPED
    except (OSError, UserError) as error:
        record.state, record.reason = FAILED, " ".join(str(error).split())
    if outcome(run) is not None:
        record.state, record.reason = DONE, ""
    record.ended = time.time()
    record.write(run)
    return outcome(run)


def _process(jobs: Jobs, number: int, run: RunDirectory, settings: Sequence[str]) -> str:
    """Has a process make the run, and returns why it failed; "" if it is done or was stopped."""
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
    assert process.stdin is not None
    with process.stdin:  # also when this process leaves at once
        while process.poll() is None and not jobs.stop_asked:
            time.sleep(LOOK)
    code = process.wait()
    if code in (0, *EXIT_CODES.values()) or jobs.stop_asked:
        return ""
    return _reason(run.folder / LOG, begin, code)


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
    lines = [
        line.strip() for line in log.read_bytes()[begin:].decode(errors="replace").splitlines()
    ]
    errors = [line.removeprefix("error: ") for line in lines if line.startswith("error: ")]
    if errors:
        return errors[-1]
    if code < 0:
        return f"ended by signal {-code} ({signal.Signals(-code).name})"
    last = next((line for line in reversed(lines) if line), "no output")
    return f"exit code {code}: {last}"
