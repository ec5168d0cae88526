"""Runs a sweep: validate, launch, summarise, report."""

from __future__ import annotations

import functools
import os
import shlex
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from runner.durations import duration
from runner.errors import RunError, reason, wrong
from runner.interrupts import Interrupts, children_spared
from runner.settings import launchers, sweeps
from runner.settings.resume import differences
from runner.sweep.folder import DONE, FAILED, LOG, RUNNING, Record, SweepDirectory, state_of
from runner.sweep.job import PATIENCE, Jobs, run_job
from runner.sweep.progress import SweepProgress


def sweep(typed: Sequence[str]) -> int:
    """Executes all runs of a sweep, or resumes a sweep in its folder.

    Args:
        typed: The settings as typed.

    Returns:
        The exit code: 0; 1 if a run failed; 129, 130 or 143 if a signal stopped the sweep.

    Raises:
        UserError: A setting is invalid; nothing was started.
    """
    settings, resumed = sweeps.without_resume(typed)
    old = None if resumed is None else SweepDirectory.find(resumed)
    if old is not None:
        settings = sweeps.with_typed(old.read()["settings"], settings)
    plan = sweeps.plan(settings)
    is_named = any(text.startswith("hydra.sweep.dir=") for text in settings)
    new = SweepDirectory if is_named else SweepDirectory.unused
    directory = old or new(plan.folder)
    if old is not None or directory.exists:
        _check_same(directory, plan)
    missing = [run.config for run in plan.runs if directory.run(run.name).score is None]
    sweeps.check_together(missing, directory.folder, plan.at_once)
    with directory.locked():
        directory.write(settings, plan.keys, plan.fixed)
        directory.ask_no_longer()
        return _make_all(directory, plan)


def _check_same(directory: SweepDirectory, plan: sweeps.Plan) -> None:
    """Checks that a resumed sweep has the same swept keys and settings.

    Raises:
        UserError: They differ; the message says where.
    """
    before = directory.read()
    if before["keys"] != plan.keys:
        allowed = f"{', '.join(before['keys']) or 'nothing'} swept as before"
        now = ", ".join(plan.keys) or "nothing"
        raise wrong("hydra.sweep.dir", directory.folder, f"{allowed}, not {now}")
    changed: dict[str, list[str]] = {}
    if plan.trials:
        changed["the search"] = sorted({*before["fixed"]} ^ {*plan.fixed})
    else:
        for planned in plan.runs:
            run = directory.run(planned.name)
            if run.result.exists() or run.is_resumable:  # otherwise it is restarted
                lines = [line for _, line in differences(run.read_config(), planned.config)]
                changed[planned.name] = lines
    for name, lines in changed.items():
        if lines:
            more = f" and {len(lines) - 3} more" if len(lines) > 3 else ""
            allowed = f"the same settings as before, but {name} has {'; '.join(lines[:3])}{more}"
            raise wrong("hydra.sweep.dir", directory.folder, allowed)


def _make_all(directory: SweepDirectory, plan: sweeps.Plan) -> int:
    names = directory.begun() if plan.trials else [run.name for run in plan.runs]
    total = plan.trials or len(names)
    for name in names:
        state_of(directory.run(name))  # corrects records
    print(_header(directory, total, names, plan.at_once), flush=True)
    began, failure = time.monotonic(), ""
    with (
        Interrupts(stop=lambda: _stop(directory), save=lambda: None) as interrupts,
        SweepProgress(directory, names, total, plan.at_once),
        children_spared(),
    ):
        try:
            _launch(directory, plan)
        except Exception as error:  # from the launcher: no cluster, a killed worker
            failure = reason(error)
        names = directory.begun() if plan.trials else names
        if failure or interrupts.received is not None:
            directory.ask_to_stop()
            _wait_for(directory, names)
    states = {name: state_of(directory.run(name)) for name in names}
    print(_summary(directory, states, total, time.monotonic() - began), flush=True)
    for name, state in states.items():
        if state == FAILED:
            run = directory.run(name)
            why = record.reason if (record := Record.read(run)) else "no record"
            print(f"error: {name}: {why} (log: {run.folder / LOG})", file=sys.stderr)
    if interrupts.received is not None:
        return interrupts.exit_code
    _report(directory, names)
    if failure:
        raise RunError(f"the sweep stopped: {failure}")
    return 0 if set(states.values()) == {DONE} else 1


def _launch(directory: SweepDirectory, plan: sweeps.Plan) -> None:
    """Launches the runs through Hydra: a grid's by number, or those chosen by a search."""
    runs = [] if plan.trials else [run.overrides for run in plan.runs]
    folder, at_once = directory.folder, plan.at_once
    jobs = Jobs(str(folder), str(Path.cwd()), runs, plan.fixed, plan.keys, at_once, os.getpid())
    params = plan.params
    if not plan.trials:
        unfinished = [directory.run(run.name).score is None for run in plan.runs]
        params = {"run": ",".join(str(n) for n, missing in enumerate(unfinished) if missing)}
    if plan.trials or params["run"]:
        launchers.multirun(plan.hydra, folder, params, functools.partial(run_job, jobs))


def _stop(directory: SweepDirectory) -> None:
    directory.ask_to_stop()
    print("\nstopping: the runs save a checkpoint (again: exit immediately)", flush=True)


def _wait_for(directory: SweepDirectory, names: Sequence[str]) -> None:
    """Waits until stopped runs have saved."""
    until = time.monotonic() + PATIENCE
    for name in names:
        while state_of(directory.run(name)) == RUNNING and time.monotonic() < until:
            time.sleep(0.1)


def _header(
    directory: SweepDirectory, total: int, names: Sequence[str], at_once: int | None
) -> str:
    """Number of runs, by state, and number of parallel runs."""
    runs = [directory.run(name) for name in names]
    done = sum(run.score is not None for run in runs)
    resumable = sum(run.score is None and run.is_resumable for run in runs)
    counts = [(done, "done"), (resumable, "to resume"), (len(runs) - done - resumable, "to start")]
    parts = [f"{count} {what}" for count, what in counts if count] or ["to be searched"]
    how = "as the cluster permits" if at_once is None else f"{at_once} at a time"
    return f"sweep: {total} run(s), {', '.join(parts)}, {how}: {directory.folder}"


def _summary(directory: SweepDirectory, states: dict[str, str], total: int, seconds: float) -> str:
    """One line per run, and how to resume."""
    means = {name: directory.run(name).score for name in states}
    width = max(map(len, states), default=0)
    lines = [
        f"  {name:{width}}  {state if means[name] is None else f'mean {means[name]:.1f}'}"
        for name, state in states.items()
    ]
    done = sum(mean is not None for mean in means.values())
    lines.append(f"sweep: {done} of {total} run(s) done in {duration(seconds)}")
    if done < total:
        resume = shlex.quote(f"sweep.resume={directory.folder}")
        lines.append(f"To continue:\n  python -m runner {resume}")
    return "\n".join(lines)


def _report(directory: SweepDirectory, names: Sequence[str]) -> None:
    """Compares the runs. An error here does not affect them and is only a warning."""
    folders = [directory.run(name).folder for name in names]
    folders = [folder for folder in folders if folder.is_dir()]
    if not folders:
        return
    try:
        from runner.report.write import write_report

        page = write_report(folders, directory.folder / "report")
        print(f"report: {page}", flush=True)
    except Exception as error:
        print(f"warning: no report: {reason(error)}", file=sys.stderr)
