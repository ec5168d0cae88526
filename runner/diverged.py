"""Stops a diverged training run with a one-line error."""

from __future__ import annotations

from typing import Any

import numpy as np

from runner.errors import RunError


def check_finite(numbers: Any, what: str) -> None:
    """Checks that ``numbers``, an array of any shape, are finite.

    Args:
        numbers: Outputs or weights of a network, NaN or infinite if it has diverged.
        what: Subject and verb of the message: ``its weights are``.

    Raises:
        RunError: They are not finite.
    """
    if not np.isfinite(numbers).all():
        raise RunError(
            f"the training has diverged: {what} not finite; try a smaller agent.learning_rate"
        )
