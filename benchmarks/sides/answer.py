"""Interface of a measurement: JSON arguments in, one line of JSON out."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable

ANSWER = "ANSWER "  # prefix of the line


def answer(measure: Callable[..., dict[str, float]]) -> None:
    """Calls ``measure`` with the keyword arguments from the command line, prints the result."""
    say(measure(**json.loads(sys.argv[1])))


def say(measured: dict[str, float]) -> None:
    print(ANSWER + json.dumps(measured), flush=True)
