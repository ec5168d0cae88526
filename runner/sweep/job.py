"""One run of a sweep: ``python -m runner`` in its own process, on any machine.

A run is idempotent in its folder: it is resumed if it has a checkpoint, and started otherwise.
Its process is asked to stop by closing its standard input, so that it also saves and stops if the
process that waits for it is killed.
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
from runner.errors import UserError, reason
from runner.interrupts import EXIT_CODES, STOP_WITH_STDIN
from runner.run_directory import RunDirectory
from runner.settings.sweeps import name_of
from runner.sweep.folder import DONE, FAILED, LOG, STOPPED, Record, SweepDirectory

ROOT: Final = Path(__file__).resolve().parents[2]
LOOK: Final = 0.2  # seconds between checks whether to stop
PATIENCE: Final = 60.0  # seconds for the process of an earlier sweep to save and exit


@dataclass(frozen=True)
class Jobs:
    """The runs of a sweep, for the processes that execute them."""

    sweep: str  # the sweep's folder, as typed
    cwd: str  # the sweep's working directory, for relative paths
    runs: Sequence[Sequence[str]]  # the settings of each run; empty for a search
    fixed: Sequence[str]  # for a search: settings shared by all runs
    keys: Sequence[str]  # swept settings, which name the runs
    at_once: int | None  # runs that share this machine; None: decided by a scheduler
    pid: int  # process id of the sweep, on this machine unless a scheduler chooses it

    @property
    def stop_asked(self) -> bool:
        """Whether the sweep requests a stop, or was killed. Runs on a cluster outlive the sweep."""
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
        """The settings of the run chosen by a sweeper: ``run=3``, or searched values."""
        return self.runs[int(chosen[0].partition("=")[2])] if self.runs else [*self.fixed, *chosen]


def run_job(jobs: Jobs, number: int, chosen: Sequence[str]) -> float | None:
    """Executes one run, unless it is complete, and records its state.

    Args:
        jobs: The runs.
        number: Number among the launched runs.
        chosen: The sweeper's choice (see ``Jobs.settings_of``).

    Returns:
        The mean return of the run's evaluation; None: it failed or was stopped.
    """
    if jobs.pid != os.getpid() and not _leaves_with_sweep.is_set():
        _leaves_with_sweep.set()
        threading.Thread(target=_leave_with_sweep, args=(jobs,), daemon=True).start()
    with _busy:
        return _run_job(jobs, number, chosen)


_busy = threading.Lock()
_leaves_with_sweep = threading.Event()


def _leave_with_sweep(jobs: Jobs) -> None:
    """Ends a launcher's worker if its sweep was killed: joblib's would wait forever."""
    while not jobs.sweep_is_gone:
        time.sleep(LOOK)
    with _busy:  # the run saves, and its record is written
        os._exit(0)


def _run_job(jobs: Jobs, number: int, chosen: Sequence[str]) -> float | None:
    overrides = jobs.settings_of(chosen)
    name = name_of(overrides, jobs.keys)
    run = RunDirectory(Path(jobs.cwd, jobs.sweep, name))
    if jobs.stop_asked or run.score is not None:
        return run.score
    record = Record()
    try:
        run.folder.mkdir(parents=True, exist_ok=True)
        record.write(run)
        with run.locked(PATIENCE):
            pass  # waits for a process of an earlier sweep that is still saving
        if run.score is None:
            folder = Path(jobs.sweep, name)
            if run.is_resumable:
                builder = [text for text in overrides if text.startswith("model.builder=")]
                settings = [f"resume={folder}", *builder]
            else:
                settings = [*overrides, "hydra.mode=RUN", f"hydra.run.dir={folder}"]
                if run.config.exists():
                    _set_aside(run)
                    run.folder.mkdir()
                    record.write(run)
            record.reason = _process(jobs, number, run, settings)
        record.state = FAILED if record.reason else STOPPED
    except (OSError, UserError) as error:
        record.state, record.reason = FAILED, reason(error)
    if run.score is not None:
        record.state, record.reason = DONE, ""
    record.ended = time.time()
    record.write(run)
    return run.score


def _set_aside(run: RunDirectory) -> None:
    """Moves a run that cannot be resumed aside for a new start."""
    aside = run.folder.parent / ".set_aside" / f"{run.folder.name}-{time.time_ns()}"
    aside.parent.mkdir(exist_ok=True)
    run.folder.rename(aside)


def _process(jobs: Jobs, number: int, run: RunDirectory, settings: Sequence[str]) -> str:
    """Executes the run in a process; returns why it failed, "" if it is done or was stopped."""
    with (run.folder / LOG).open("ab") as log:
        begin = log.tell()
        process = subprocess.Popen(
            [sys.executable, "-m", "runner", *settings],
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=subprocess.STDOUT,
            cwd=jobs.cwd,
            env=environment(jobs.at_once, number),
            start_new_session=True,  # the sweep handles the terminal's signals
        )
    assert process.stdin is not None
    with process.stdin:  # also closed if this process exits immediately
        while process.poll() is None and not jobs.stop_asked:
            time.sleep(LOOK)
    code = process.wait()
    if code in (0, *EXIT_CODES.values()) or jobs.stop_asked:
        return ""
    return _reason(run.folder / LOG, begin, code)


def environment(at_once: int | None, number: int) -> dict[str, str]:
    """Environment of the process, with its share of the cores and its GPU."""
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
    """Names of the usable GPUs, in the format of CUDA_VISIBLE_DEVICES."""
    if "CUDA_VISIBLE_DEVICES" in os.environ:
        return [name for name in os.environ["CUDA_VISIBLE_DEVICES"].split(",") if name]
    if shutil.which("nvidia-smi") is None:
        return []
    command = ["nvidia-smi", "--query-gpu=index", "--format=csv,noheader"]
    listed = subprocess.run(command, capture_output=True, text=True, check=False)
    return listed.stdout.split() if listed.returncode == 0 else []


def _reason(log: Path, begin: int, code: int) -> str:
    """The line of the log with the reason: the last error, or the last line."""
    text = log.read_bytes()[begin:].decode(errors="replace")
    lines = [line.strip() for line in text.splitlines()]
    errors = [line.removeprefix("error: ") for line in lines if line.startswith("error: ")]
    if errors:
        return errors[-1]
    if code < 0:
        return f"ended by signal {-code} ({signal.Signals(-code).name})"
    last = next((line for line in reversed(lines) if line), "no output")
    return f"exit code {code}: {last}"
