"""A sweep from the command line to its exit code: checked, launched, summed up, reported."""

from __future__ import annotations

import functools
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from runner.config import launchers, sweeps
from runner.config.resume import differences
from runner.durations import duration
from runner.errors import RunError, UserError
from runner.interrupts import Interrupts
from runner.sweep.folder import (
    DONE,
    FAILED,
    RUNNING,
    STOPPED,
    Record,
    SweepDirectory,
    is_resumable,
    outcome,
)
from runner.sweep.job import LOG, PATIENCE, Jobs, run_job
from runner.sweep.progress import SweepProgress


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
        return _make_runs(directory, plan, settings)


def _check_same(directory: SweepDirectory, plan: sweeps.Plan) -> None:
    """Checks that the runs there have the settings that they are to have.

    Raises:
        UserError: The first run that differs, and in what.
    """
    before = directory.read()["keys"]
    if before != plan.keys:
        raise UserError(
            f"sweep.resume={directory.folder}: {', '.join(plan.keys) or 'nothing'} swept; "
            f"expected {', '.join(before) or 'nothing'}, as before"
        )
    for planned in plan.runs:
        run = directory.run(planned.name)
        if not run.result.exists() and not is_resumable(run):
            continue
        if changes := [line for _, line in differences(run.read_config(), planned.config)]:
            raise UserError(
                f"sweep.resume={directory.folder}: {planned.name}: {'; '.join(changes)}: expected "
                "the same settings"
            )


def _make_runs(directory: SweepDirectory, plan: sweeps.Plan, settings: list[str]) -> int:
    directory.ask_no_longer()
    names = [run.name for run in plan.runs]
    waiting = [run for run in plan.runs if outcome(directory.run(run.name)) is None]
    for run in waiting:  # of an earlier sweep
        (directory.run(run.name).folder / "job.json").unlink(missing_ok=True)
    jobs = Jobs(
        str(directory.folder.absolute()),
        str(Path.cwd()),
        [(run.name, run.overrides) for run in waiting],
        plan.at_once,
    )
    print(_header(directory, plan, waiting), flush=True)
    began, failure = time.monotonic(), ""
    with (
        Interrupts(stop=lambda: _stop(directory), save=lambda: None) as interrupts,
        SweepProgress(directory, names, [run.name for run in waiting], plan.at_once),
    ):
        try:
            if waiting:
                work = functools.partial(run_job, jobs)
                launchers.launch(
                    settings,
                    [run.overrides for run in waiting],
                    directory.folder.absolute(),
                    work,
                )
        except Exception as error:  # the launcher's own: no cluster, a killed worker
            failure = " ".join(str(error).split()) or type(error).__name__
        finally:
            if failure or interrupts.received is not None:
                directory.ask_to_stop()
                _wait_for(directory, names)
    states = {name: _state(directory, name) for name in names}
    print(_summary(directory, states, time.monotonic() - began), flush=True)
    for name in names:
        if states[name] == FAILED:
            record = Record.read(directory.run(name).folder)
            assert record is not None
            log = directory.run(name).folder / LOG
            print(f"error: {name}: {record.reason} (log: {log})", file=sys.stderr)
    if interrupts.received is not None:
        return interrupts.exit_code
    if failure:
        raise RunError(f"the launcher: {failure}")
    return 0 if set(states.values()) == {DONE} else 1


def _stop(directory: SweepDirectory) -> None:
    directory.ask_to_stop()
    print("\nstopping: the runs save a checkpoint (once more: leave at once)", flush=True)


def _header(directory: SweepDirectory, plan: sweeps.Plan, waiting: Sequence[sweeps.Run]) -> str:
    total, resumable = len(plan.runs), sum(is_resumable(directory.run(run.name)) for run in waiting)
    counts = [
        (total - len(waiting), "done"),
        (resumable, "to resume"),
        (len(waiting) - resumable, "to start"),
    ]
    parts = ", ".join(f"{count} {what}" for count, what in counts if count)
    how = "as the cluster has room" if plan.at_once is None else f"{plan.at_once} at a time"
    return f"sweep: {total} run(s), {parts}, {how}: {directory.folder}"


def _wait_for(directory: SweepDirectory, names: Sequence[str]) -> None:
    """Waits until the runs that were asked to stop have saved."""
    until = time.monotonic() + PATIENCE
    for name in names:
        while _state(directory, name) == RUNNING and time.monotonic() < until:
            time.sleep(0.1)


def _state(directory: SweepDirectory, name: str) -> str:
    run = directory.run(name)
    if outcome(run) is not None:
        return DONE
    record = Record.read(run.folder)
    if record is None:
        return "not started"
    if record.state == RUNNING:
        try:
            with run.locked():
                return STOPPED  # whoever was at it was killed
        except UserError:
            return RUNNING
    return record.state


def _summary(directory: SweepDirectory, states: dict[str, str], seconds: float) -> str:
    width = max(map(len, states))
    lines = []
    for name, state in states.items():
        mean = outcome(directory.run(name))
        lines.append(f"  {name:{width}}  {state if mean is None else f'mean {mean:.1f}'}")
    done = sum(state == DONE for state in states.values())
    lines.append(f"sweep: {done} of {len(states)} run(s) done in {duration(seconds)}")
    if done < len(states):
        lines.append(f"Go on with\n  python -m runner sweep.resume={directory.folder}")
    return "\n".join(lines)
