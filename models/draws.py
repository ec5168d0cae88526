"""Random numbers for stochastic layers, supplied by the caller of the network.

Layers keep no generator and no counter. The same draws give the same outputs, and without any a
network is deterministic: noisy layers are then without noise.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from contextvars import ContextVar
from typing import Any, Protocol


class Draws(Protocol):
    """Random numbers of one call of a network."""

    per_row: bool  # every row of the batch its own noise, or one for all
    fractions: Any  # (B, N) at which quantiles are asked for; None: evenly spread

    def normal(self, shape: Sequence[Any]) -> Any:
        """Standard normal float32, other ones at each call."""


_current: ContextVar[Draws | None] = ContextVar("draws", default=None)


def current() -> Draws | None:
    """The draws of the call under way."""
    return _current.get()


@contextlib.contextmanager
def drawing_from(draws: Draws | None) -> Iterator[None]:
    """Gives ``draws`` to the layers that are called inside the block."""
    token = _current.set(draws)
    try:
        yield
    finally:
        _current.reset(token)
