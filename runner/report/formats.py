"""How the figures are written, wherever they are shown."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final


def _points(points: float, sign: str = "") -> str:
    digits = 1 if abs(points) >= 10 else 2
    return f"{points:{sign},.{digits}f}"


def _minutes(seconds: float) -> str:
    return f"{seconds / 60:,.1f} min"


_FORMATS: Final[dict[str, Callable[[float], str]]] = {
    **dict.fromkeys(("mean", "median", "iqm", "score"), _points),
    **dict.fromkeys(("human_mean", "human_median", "human_iqm"), lambda v: f"{v:.3f}"),
    **dict.fromkeys(
        ("runs", "unfinished", "reached_score", "steps", "frames"), lambda v: f"{v:,.0f}"
    ),
    **dict.fromkeys(("train_seconds", "seconds_to_score"), _minutes),
    "steps_per_second": lambda v: f"{v:,.0f}",
    "memory_bytes": lambda v: f"{v / 1e6:,.0f} MB",
    "difference": lambda v: _points(v, "+"),
    "human_difference": lambda v: f"{v:+.3f}",
    "better": lambda v: f"{v:.2f}",
}


def written(measure: str, value: float) -> str:
    """``value`` of ``measure``, for readers."""
    return _FORMATS[measure](value)
