"""From folders with runs to the report: ``report.html``, ``summary.csv`` and pictures."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from runner.report.runs import find_runs


def write_report(folders: Sequence[Path], out: Path, score: float | None = None) -> Path:
    """Compares all runs in and below ``folders``, finished or not.

    Args:
        folders: Run directories, sweep directories, or folders above them.
        out: Folder of the report; made if missing, an earlier report in it is replaced.
        score: Points, for the column "time to this score"; None: the highest score that every
            run reached.

    Returns:
        The path of ``report.html``.

    Raises:
        UserError: A folder does not exist, or holds no run.
    """
    find_runs(folders)
    raise NotImplementedError
