"""Random numbers for stochastic layers, supplied by the caller of the network.

Layers keep no generator and no counter. The same draws give the same outputs. Without draws a
network is deterministic: noisy layers then add no noise.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from contextvars import ContextVar
from typing import Any, Protocol


class Draws(Protocol):
    """Random numbers for one call of a network."""

    per_row: bool  # separate noise for every row of the batch, instead of the same for all
    fractions: Any  # (B, N) fractions of the requested quantiles; None: evenly spaced

    def normal(self, shape: Sequence[Any]) -> Any:
        """Standard normal float32, different at each call."""


_current: ContextVar[Draws | None] = ContextVar("draws", default=None)


def current() -> Draws | None:
    """The draws of the current call."""
    return _current.get()


@contextlib.contextmanager
def drawing_from(draws: Draws | None) -> Iterator[None]:
    """Supplies ``draws`` to layers called inside the block."""
    token = _current.set(draws)
    try:
        yield
    finally:
        _current.reset(token)
