"""Resources left to this process: memory, address space, shared memory, file descriptors."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

import psutil

from runner import cgroups

# By version of control groups: limit, usage, and the droppable cache included in usage.
_FILES: Final = (
    ("memory.max", "memory.current", "inactive_file"),
    ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
)


def free_memory(root: Path = Path("/")) -> int:
    """Bytes of free memory, on the machine and within every limit of a container."""
    free = int(psutil.virtual_memory().available)
    for folder in cgroups.folders("memory", root):
        for limit, usage, cache in _FILES:
            allowed, used = cgroups.read(folder / limit), cgroups.read(folder / usage)
            if allowed.isdigit() and used.isdigit():  # otherwise "max", or the other version
                stat = dict(map(str.split, cgroups.read(folder / "memory.stat").splitlines()))
                free = min(free, int(allowed) - int(used) + int(stat.get(cache, 0)))
    return max(free, 0)


def free_address_space() -> int | None:
    """Bytes that may still be mapped (``ulimit -v``); None: no limit."""
    return _below("RLIMIT_AS", int(psutil.Process().memory_info().vms))


def free_descriptors() -> int | None:
    """Files and pipes that may still be opened (``ulimit -n``, raised to its hard limit)."""
    try:
        import resource

        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
        used = len(os.listdir("/proc/self/fd"))
    except (ImportError, OSError, ValueError):  # Windows; macOS
        return None
    return _below("RLIMIT_NOFILE", used)


def _below(name: str, used: int) -> int | None:
    try:
        import resource
    except ImportError:  # Windows
        return None
    limit, _ = resource.getrlimit(getattr(resource, name))
    return None if limit == resource.RLIM_INFINITY else max(limit - used, 0)


def reserve(name: str, size: int) -> None:
    """Allocates a block of shared memory now: writing to an unavailable page kills the process.

    Raises:
        OSError: There is too little shared memory.
    """
    path = Path("/dev/shm") / name
    if not path.exists():  # not on Linux
        return
    descriptor = os.open(path, os.O_RDWR)
    try:
        os.posix_fallocate(descriptor, 0, size)
    finally:
        os.close(descriptor)
