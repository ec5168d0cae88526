"""Commands in separate processes."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]


class Ended(NamedTuple):
    code: int
    out: str
    err: str


def start(module: str, arguments: Sequence[str], cwd: Path) -> subprocess.Popen[str]:
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("TF_", "KERAS_"))}
    return subprocess.Popen(
        [sys.executable, "-m", module, *arguments],
        cwd=cwd,
        env={**environment, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,  # a separate process group, as in a shell
    )


def finish(process: subprocess.Popen[str], seconds: float = 300) -> Ended:
    try:
        out, err = process.communicate(timeout=seconds)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    return Ended(process.returncode, out, err)


def until_training(process: subprocess.Popen[str]) -> str:
    """Waits for the first progress line; returns the output up to it."""
    assert process.stdout is not None
    seen = ""
    for line in process.stdout:
        seen += line
        if "steps/s" in line:
            return seen
    raise AssertionError(f"training did not start: {seen}{process.communicate()[1]}")
