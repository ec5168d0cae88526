"""The CPU: cores available to this process or to its share of a sweep, and features."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path
from typing import Final

from runner import cgroups

SHARE: Final = "RUNNER_CORES"
_CPU_INFO: Final = Path("/proc/cpuinfo")  # Linux


def cores() -> int:
    """Cores for threads and emulator processes, as limited by system, scheduler or sweep."""
    return int(os.environ.get(SHARE, "0")) or _allowed()


def share_of(at_once: int) -> int:
    """Cores for each of ``at_once`` runs that share this process's cores."""
    return max(cores() // at_once, 1)


@cache
def cpu_features() -> frozenset[str]:
    """Features of an x86 CPU under Linux, such as avx512f; empty on other systems."""
    try:
        lines = _CPU_INFO.read_text(errors="replace").splitlines()
    except OSError:
        return frozenset()
    return frozenset(next((line.split() for line in lines if line.startswith("flags")), []))


def _allowed(root: Path = Path("/")) -> int:
    """Cores by affinity mask and CPU limit of control groups (containers, SLURM)."""
    if hasattr(os, "sched_getaffinity"):  # not on macOS and Windows
        count = len(os.sched_getaffinity(0))
    else:
        count = os.cpu_count() or 1
    for folder in cgroups.folders("cpu", root):
        limit = cgroups.read(folder / "cpu.max").split()  # version 2: quota, period in µs
        limit = limit or [cgroups.read(folder / f"cpu.cfs_{x}_us") for x in ("quota", "period")]
        if limit[0].isdigit() and int(limit[1]):  # otherwise "max", "-1" or "": no limit
            count = min(count, max(int(limit[0]) // int(limit[1]), 1))
    return count
