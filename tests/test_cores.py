"""Cores available to a run: limits of the system, containers and sweeps."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from runner import cores

ALL = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def made(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text + "\n")
    return root


V2 = {"proc/self/cgroup": "0::/job/run"}
V1 = {"proc/self/cgroup": "7:memory:/job\n4:cpu,cpuacct:/job\n0::/"}


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({}, ALL),  # no control groups: macOS, Windows
        ({**V2, "sys/fs/cgroup/job/run/cpu.max": "max 100000"}, ALL),
        ({**V2, "sys/fs/cgroup/job/run/cpu.max": "100000 100000"}, 1),
        ({**V2, "sys/fs/cgroup/job/cpu.max": "100000 100000",
          "sys/fs/cgroup/job/run/cpu.max": "max 100000"}, 1),  # limit of the parent group
        ({**V2, "sys/fs/cgroup/job/run/cpu.max": "50000 100000"}, 1),  # half a core
        ({**V2, "sys/fs/cgroup/cpu.max": "100000 100000"}, 1),  # in a container
        ({**V2, "sys/fs/cgroup/job/run/cpu.max": "9900000 100000"}, ALL),
        ({**V1, "sys/fs/cgroup/cpu,cpuacct/job/cpu.cfs_quota_us": "-1",
          "sys/fs/cgroup/cpu,cpuacct/job/cpu.cfs_period_us": "100000"}, ALL),
        ({**V1, "sys/fs/cgroup/cpu,cpuacct/job/cpu.cfs_quota_us": "150000",
          "sys/fs/cgroup/cpu,cpuacct/job/cpu.cfs_period_us": "100000"}, 1),
        ({**V1, "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "100000",
          "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000"}, 1),  # in a container
    ],
)  # fmt: skip
def test_the_limits_of_control_groups(tmp_path: Path, files: dict[str, str], expected: int) -> None:
    assert cores._allowed(made(tmp_path, files)) == expected


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="no affinity masks here")
def test_the_affinity_mask() -> None:
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(before)})
    try:
        assert cores.cores() == cores.share_of(1) == cores.share_of(3) == 1
    finally:
        os.sched_setaffinity(0, before)


def test_the_share_of_one_run_of_a_sweep(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(cores.SHARE, "6")
    assert (cores.cores(), cores.share_of(2), cores.share_of(4)) == (6, 3, 1)
