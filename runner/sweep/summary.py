"""What a sweep says before its first run and after its last."""

from __future__ import annotations

from collections.abc import Sequence

from runner.durations import duration
from runner.errors import UserError
from runner.sweep.folder import (
    DONE,
    RUNNING,
    STOPPED,
    Record,
    SweepDirectory,
    is_resumable,
    outcome,
)
from runner.sweep.job import LOG

NOT_STARTED = "not started"


def header(directory: SweepDirectory, total: int, names: Sequence[str], at_once: int | None) -> str:
    """How many runs, how they stand, how many at a time.

    Args:
        directory: The sweep's folder.
        total: Runs of the sweep.
        names: Of all of them; none of a search, which asks for them one after another.
        at_once: Runs at a time; None: the launcher's scheduler decides.
    """
    runs = [directory.run(name) for name in names]
    done = sum(outcome(run) is not None for run in runs)
    resumable = sum(outcome(run) is None and is_resumable(run) for run in runs)
    counts = [(done, "done"), (resumable, "to resume"), (len(runs) - done - resumable, "to start")]
    parts = [f"{count} {what}" for count, what in counts if count] or ["to be searched"]
    how = "as the cluster has room" if at_once is None else f"{at_once} at a time"
    return f"sweep: {total} run(s), {', '.join(parts)}, {how}: {directory.folder}"


def state_of(directory: SweepDirectory, name: str) -> str:
    """How a run stands."""
    run = directory.run(name)
    if outcome(run) is not None:
        return DONE
    record = Record.read(run.folder)
    if record is None:
        return NOT_STARTED
    if record.state != RUNNING:
        return record.state
    try:
        with run.locked():
            return STOPPED  # whoever was at it was killed
    except UserError:
        return RUNNING


def why_failed(directory: SweepDirectory, name: str) -> str:
    """Why a run failed, and where its log is."""
    run = directory.run(name)
    record = Record.read(run.folder)
    return f"{record.reason if record else 'no record'} (log: {run.folder / LOG})"


def summary(directory: SweepDirectory, states: dict[str, str], total: int, seconds: float) -> str:
    """One line a run, the best one, and how to go on.

    Args:
        directory: The sweep's folder.
        states: How each run stands, by name.
        total: Runs of the sweep.
        seconds: What it took.
    """
    means = {name: outcome(directory.run(name)) for name in states}
    width = max(map(len, states), default=0)
    lines = [
        f"  {name:{width}}  {state if means[name] is None else f'mean {means[name]:.1f}'}"
        for name, state in states.items()
    ]
    known = {name: mean for name, mean in means.items() if mean is not None}
    if len(known) > 1:
        best = max(known, key=lambda name: known[name])
        lines.append(f"best: {best}")
    lines.append(f"sweep: {len(known)} of {total} run(s) done in {duration(seconds)}")
    if len(known) < total:
        lines.append(f"Go on with\n  python -m runner sweep.resume={directory.folder}")
    return "\n".join(lines)
