"""Describes the machine and the software versions of a measurement."""

from __future__ import annotations

import importlib.metadata
import json
import platform
import subprocess
import sys
from pathlib import Path
from typing import Any

import psutil

from runner.cores import cores, cpu_features
from runner.doctor import CPU_FEATURES

OURS = ("tensorflow", "keras", "keras-rl2", "gymnasium", "ale-py", "numpy", "hydra-core")
SB3 = ("stable-baselines3", "torch", "gymnasium", "ale-py", "numpy")


def describe(sb3_python: str) -> dict[str, Any]:
    """Returns the machine, the versions on both sides, and the commit."""
    info = _cpu_info()
    return {
        "cpu": info.get("model name") or platform.processor(),
        "cpu_ids": " ".join(
            f"{key} {info[key]}" for key in ("cpu family", "model", "stepping") if key in info
        ),
        "cores": cores(),
        "features": [name for name in CPU_FEATURES if name in cpu_features()],
        "memory_gb": round(psutil.virtual_memory().total / 1e9, 1),
        "system": platform.platform(),
        "python": platform.python_version(),
        "versions": {name: _version(name) for name in OURS},
        "sb3_versions": _versions_of(sb3_python),
        "commit": _commit(),
    }


def _cpu_info() -> dict[str, str]:
    """The first core's lines in /proc/cpuinfo; empty if there is no such file."""
    path = Path("/proc/cpuinfo")
    text = path.read_text().split("\n\n")[0] if path.is_file() else ""
    pairs = (line.partition(":") for line in text.splitlines())
    return {key.strip(): value.strip() for key, _, value in pairs}


def _version(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"


def _versions_of(python: str) -> dict[str, str]:
    if python == sys.executable:
        return {name: _version(name) for name in SB3}
    code = (
        "import importlib.metadata as m, json, platform; "
        f"print(json.dumps({{n: m.version(n) for n in {SB3!r}}} | "
        "{'python': platform.python_version()}))"
    )
    done = subprocess.run([python, "-c", code], capture_output=True, text=True)
    return dict(json.loads(done.stdout)) if done.returncode == 0 else {"error": done.stderr[-200:]}


def _commit() -> str:
    command = ["git", "describe", "--always", "--dirty", "--abbrev=12"]
    try:
        done = subprocess.run(
            command, cwd=Path(__file__).parent, capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return done.stdout.strip()
