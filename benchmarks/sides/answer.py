"""How a measurement is asked for, and how it answers: JSON in, one line of JSON out."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable

ANSWER = "ANSWER "  # begins the line


def answer(measure: Callable[..., dict[str, float]]) -> None:
    """Calls ``measure`` with the keyword arguments on the command line, prints its answer."""
    say(measure(**json.loads(sys.argv[1])))


def say(measured: dict[str, float]) -> None:
    print(ANSWER + json.dumps(measured), flush=True)
