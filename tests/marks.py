"""Marks for parametrized rows."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any

import pytest

# All kills, games and command lines instead of a sample: RUNNER_THOROUGH=1 pytest -m slow
THOROUGH = os.environ.get("RUNNER_THOROUGH") == "1"


def slow_but(quick: set[Any], rows: Iterable[Any]) -> list[Any]:
    """``rows``, each marked slow unless it is among ``quick``."""
    rows = list(rows)
    assert quick <= set(rows)
    return [row if row in quick else pytest.param(row, marks=pytest.mark.slow) for row in rows]
