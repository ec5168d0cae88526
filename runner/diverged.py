"""Stops a diverged training with a one-line error."""

from __future__ import annotations

from typing import Any

import numpy as np

from runner.errors import RunError


def check_finite(numbers: Any, what: str) -> None:
    """Checks that ``numbers``, an array of any shape, are finite.

    Args:
        numbers: What a diverged network gives, or holds, as NaN or infinity.
        what: What they are, with a verb: ``its weights are``.

    Raises:
        RunError: They are not.
    """
    if not np.isfinite(numbers).all():
        raise RunError(
            f"the training has diverged: {what} not finite; try a smaller agent.learning_rate"
        )
