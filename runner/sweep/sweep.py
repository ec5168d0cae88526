"""A sweep from the command line to its exit code: checked, launched, summed up, reported."""

from __future__ import annotations

import functools
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from runner.errors import RunError, UserError
from runner.interrupts import Interrupts, children_spared
from runner.settings import launchers, sweeps
from runner.settings.resume import differences
from runner.sweep.folder import (
    DONE,
    FAILED,
    RECORD,
    RUNNING,
    SweepDirectory,
    is_resumable,
    outcome,
)
from runner.sweep.job import PATIENCE, Jobs, run_job
from runner.sweep.progress import SweepProgress
from runner.sweep.summary import header, state_of, summary, why_failed


def sweep(arguments: Sequence[str]) -> int:
    """Makes all runs that a command line asks for.

    Args:
        arguments: As typed.

    Returns:
        The exit code: 0; 1 if a run failed; 130 or 143 if a signal stopped the sweep.

    Raises:
        UserError: Something is wrong; nothing was started.
    """
    settings = sweeps.typed_settings(arguments)
    resumed = sweeps.resumed(arguments)
    old = None if resumed is None else SweepDirectory.find(resumed)
    if old is not None:
        settings = settings or old.read()["settings"]
    plan = sweeps.plan(settings)
    if old is not None:
        directory = old
        _check_same(directory, plan)
    else:
        sweeps.check_together(plan)
        chosen = any(text.startswith("hydra.sweep.dir=") for text in settings)
        directory = SweepDirectory.make(plan.folder, may_rename=not chosen)
        directory.write(settings, plan.keys)
    with directory.locked():
        return _make_all(directory, plan, settings)


def _check_same(directory: SweepDirectory, plan: sweeps.Plan) -> None:
    """Checks that a sweep that is resumed is over the same, with the same settings.

    Raises:
        UserError: It is not; the first run that differs, and in what.
    """
    before = directory.read()["keys"]
    if before != plan.keys:
        raise UserError(
            f"sweep.resume={directory.folder}: {', '.join(plan.keys) or 'nothing'} swept; "
            f"expected {', '.join(before) or 'nothing'}, as before"
        )
    for planned in plan.runs:
        _check_same_run(directory, planned)


def _check_same_run(directory: SweepDirectory, planned: sweeps.Run) -> None:
    run = directory.run(planned.name)
    if not run.result.exists() and not is_resumable(run):
        return  # it will be started anew
    if changes := [line for _, line in differences(run.read_config(), planned.config)]:
        raise UserError(
            f"sweep.resume={directory.folder}: {planned.name}: {'; '.join(changes)}: expected the "
            "same settings"
        )


def _make_all(directory: SweepDirectory, plan: sweeps.Plan, settings: list[str]) -> int:
    directory.ask_no_longer()
    if plan.trials is None:
        total, names = len(plan.runs), [run.name for run in plan.runs]
    else:
        total, names = plan.trials, []  # which come as they are asked for
    print(header(directory, total, names, plan.at_once), flush=True)
    began, failure = time.monotonic(), ""
    with (
        Interrupts(stop=lambda: _stop(directory), save=lambda: None) as interrupts,
        SweepProgress(directory, total, plan.at_once) as progress,
    ):
        maker = _Maker(directory, plan, settings, progress)
        try:
            with children_spared():
                maker.make_all()
        except UserError:
            raise
        except Exception as error:  # the launcher's own: no cluster, a killed worker
            failure = " ".join(str(error).split()) or type(error).__name__
        if failure or interrupts.received is not None:
            directory.ask_to_stop()
            _wait_for(directory, maker.names)
    names = maker.names
    states = {name: state_of(directory, name) for name in names}
    print(summary(directory, states, total, time.monotonic() - began), flush=True)
    for name in names:
        if states[name] == FAILED:
            print(f"error: {name}: {why_failed(directory, name)}", file=sys.stderr)
    if interrupts.received is not None:
        return interrupts.exit_code
    _report(directory, names)
    if failure:
        raise RunError(f"the sweep stopped: {failure}")
    return 0 if set(states.values()) == {DONE} else 1


def _report(directory: SweepDirectory, names: Sequence[str]) -> None:
    """Compares the runs. What goes wrong here says nothing of them: it is a warning."""
    folders = [directory.run(name).folder for name in names]
    folders = [folder for folder in folders if folder.is_dir()]
    if not folders:
        return
    try:
        from runner.report.write import write_report

        page = write_report(folders, directory.folder / "report")
        print(f"report: {page}", flush=True)
    except Exception as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        print(f"warning: no report: {reason}", file=sys.stderr)


def _stop(directory: SweepDirectory) -> None:
    directory.ask_to_stop()
    print("\nstopping: the runs save a checkpoint (once more: leave at once)", flush=True)


class _Maker:
    """Has the launcher make the runs: all at once, or those of a search as they are asked for."""

    def __init__(
        self,
        directory: SweepDirectory,
        plan: sweeps.Plan,
        settings: list[str],
        progress: SweepProgress,
    ) -> None:
        self._directory, self._plan = directory, plan
        self._settings, self._progress = settings, progress
        self._folder = directory.folder.absolute()
        self.names: list[str] = []

    def make_all(self) -> None:
        if self._plan.trials is None:
            self._make(self._plan.runs)
        else:
            launchers.search(self._settings, self._plan.overrides, self._folder, self._make_asked)

    def _make_asked(self, jobs: Sequence[Sequence[str]]) -> list[float | None]:
        """Makes runs that a search asks for, and returns their results."""
        runs = [sweeps.run_of(job, self._plan.keys) for job in jobs]
        for run in runs:
            _check_same_run(self._directory, run)
        self._make(runs)
        if self._directory.stop_asked:
            raise RunError("interrupted")
        return [outcome(self._directory.run(run.name)) for run in runs]

    def _make(self, runs: Sequence[sweeps.Run]) -> None:
        own = {run.name: run for run in runs}  # a search may ask for the same run twice
        self.names += [name for name in own if name not in self.names]
        waiting = {
            name: run for name, run in own.items() if outcome(self._directory.run(name)) is None
        }
        for name in waiting:  # the record of an earlier sweep
            (self._directory.run(name).folder / RECORD).unlink(missing_ok=True)
        self._progress.follow(list(own), list(waiting))
        jobs = Jobs(
            str(self._folder),
            str(Path.cwd()),
            [(name, run.overrides) for name, run in waiting.items()],
            self._plan.at_once,
            os.getpid(),
        )
        if waiting:
            settings = [run.overrides for run in waiting.values()]
            work = functools.partial(run_job, jobs)
            launchers.launch(self._settings, settings, self._folder, work)


def _wait_for(directory: SweepDirectory, names: Sequence[str]) -> None:
    """Waits until the runs that were asked to stop have saved."""
    until = time.monotonic() + PATIENCE
    for name in names:
        while state_of(directory, name) == RUNNING and time.monotonic() < until:
            time.sleep(0.1)
