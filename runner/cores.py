"""How many cores this process may use: all, or its share where a sweep runs several at once."""

from __future__ import annotations

import os
from typing import Final

SHARE: Final = "RUNNER_CORES"


def cores() -> int:
    """Cores for threads and emulator processes."""
    return int(os.environ.get(SHARE, "0")) or os.cpu_count() or 1


def share_of(at_once: int) -> int:
    """Cores for each of ``at_once`` runs of what this process may use.

    A scheduler says what that is by the process's affinity (SLURM) or OMP_NUM_THREADS (Ray).
    """
    if hasattr(os, "sched_getaffinity"):  # not on macOS and Windows
        allowed = len(os.sched_getaffinity(0))
    else:
        allowed = os.cpu_count() or 1
    threads = os.environ.get("OMP_NUM_THREADS", "")
    if threads.isdigit() and int(threads) > 0:
        allowed = min(allowed, int(threads))
    return max(allowed // at_once, 1)
