"""Resource limits: containers (control groups v1 and v2) and ulimit."""

from __future__ import annotations

import resource
import subprocess
import sys

import psutil
import pytest

from runner import limits
from runner.environments.pool import _shared_memory
from runner.environments.worker import Layout
from runner.errors import UserError
from runner.settings.memory_checks import check_memory_size

MB = 10**6
VERSION_1 = {
    "proc/self/cgroup": "5:memory:/job\n4:cpu,cpuacct:/job\n",
    "sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712",
    "sys/fs/cgroup/memory/memory.usage_in_bytes": "123",
    "sys/fs/cgroup/memory/job/memory.limit_in_bytes": f"{100 * MB}",
    "sys/fs/cgroup/memory/job/memory.usage_in_bytes": f"{70 * MB}",
    "sys/fs/cgroup/memory/job/memory.stat": f"cache 1\ntotal_inactive_file {20 * MB}\n",
}
VERSION_2 = {
    "proc/self/cgroup": "0::/job/step\n",
    "sys/fs/cgroup/job/memory.max": f"{100 * MB}",
    "sys/fs/cgroup/job/memory.current": f"{60 * MB}",
    "sys/fs/cgroup/job/memory.stat": f"anon 1\ninactive_file {20 * MB}\n",
    "sys/fs/cgroup/job/step/memory.max": "max",
    "sys/fs/cgroup/job/step/memory.current": f"{60 * MB}",
}
INSIDE = {  # a container: its own group appears as the root
    "proc/self/cgroup": "0::/\n",
    "sys/fs/cgroup/memory.max": f"{30 * MB}",
    "sys/fs/cgroup/memory.current": f"{40 * MB}",
}


@pytest.mark.parametrize(
    ("files", "free"), [(VERSION_1, 50 * MB), (VERSION_2, 60 * MB), (INSIDE, 0)]
)
def test_free_memory_respects_the_container_limit(tmp_path, files, free):
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    assert limits.free_memory(tmp_path) == free


def test_free_memory_without_limits_is_the_machines(tmp_path):
    assert limits.free_memory(tmp_path) > psutil.virtual_memory().available / 2


@pytest.mark.parametrize(
    ("limit", "allowed", "parts"),
    [
        ("RLIMIT_AS", 1 << 31, ["address space", "ulimit -v"]),
        ("RLIMIT_NOFILE", 40, ["open files", "ulimit -n"]),
    ],
)
def test_a_shell_limit_is_reported_in_one_line(repository, limit, allowed, parts):
    def lower():
        number = getattr(resource, limit)
        resource.setrlimit(number, (allowed, allowed))

    done = subprocess.run(
        [sys.executable, "-m", "runner", "env=pong", "obs=ram", "memory.limit=20000"],
        cwd=repository,
        preexec_fn=lower,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1
    assert all(part in done.stderr for part in parts)


def test_a_replay_larger_than_free_memory_is_refused(load, monkeypatch):
    config = load("env=pong", "obs=ram")
    monkeypatch.setattr(limits, "free_memory", lambda: 802 * MB)
    with pytest.raises(UserError, match=r"memory.limit=20000: expected at most 14705 here"):
        check_memory_size(config)
    monkeypatch.setattr(limits, "free_memory", lambda: 700 * MB)
    with pytest.raises(UserError, match="memory: expected more"):
        check_memory_size(config)


def test_too_little_shared_memory_is_reported_early():
    with pytest.raises(UserError, match=r"env.num_envs=68719476736: expected fewer: they need"):
        _shared_memory(Layout(2**36, (128,)))
