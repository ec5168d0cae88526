"""Runs one measurement in a separate process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks.cases import Side
from benchmarks.sides.answer import ANSWER

ROOT = Path(__file__).resolve().parents[1]
TIMEOUT = 1800  # seconds


def run(side: Side, sb3_python: str) -> dict[str, Any]:
    """Measures ``side``.

    Returns:
        The figures and ``load`` (the machine's load average before), or ``error``.
    """
    python = sb3_python if side.script == "sb3" else sys.executable
    command = [python, "-m", f"benchmarks.sides.{side.script}", json.dumps(side.arguments)]
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan")
    try:
        done = subprocess.run(
            command,
            cwd=ROOT,
            env={**os.environ, "BENCHMARK_BEGAN": str(time.time())},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=TIMEOUT,
        )
    except subprocess.TimeoutExpired:
        return {"error": f"no answer within {TIMEOUT} s"}
    answers = [line for line in done.stdout.splitlines() if line.startswith(ANSWER)]
    if done.returncode or not answers:
        tail = " | ".join((done.stderr or done.stdout).strip().splitlines()[-3:])
        return {"error": f"exit code {done.returncode}: {tail}"}
    return {**json.loads(answers[-1].removeprefix(ANSWER)), "load": round(load, 2)}
