"""Times a short function: seconds per call."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any


def seconds_per_call(call: Callable[[], Any], seconds: float, warm: int = 3) -> float:
    """Calls for about ``seconds``, after ``warm`` untimed calls."""
    for _ in range(warm):
        call()
    began = time.perf_counter()
    calls, passed = 0, 0.0
    while passed < seconds:
        call()
        calls += 1
        passed = time.perf_counter() - began
    return passed / calls
