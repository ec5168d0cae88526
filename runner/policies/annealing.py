"""Schedules of a policy's parameter, behind keras-rl2's annealing interface.

``AnnealedPolicy`` is a ``LinearAnnealedPolicy`` with the same ``inner_policy``, ``attr``,
``metrics`` and use in ``agent.test``; only the value at a step differs.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from runner.keras_rl2 import LinearAnnealedPolicy, Policy

Schedule = Callable[[int], float]  # step -> value


class AnnealedPolicy(LinearAnnealedPolicy):  # type: ignore[misc]
    """Sets ``attr`` of ``inner_policy`` to ``value_at(agent.step)`` before every action.

    Args:
        inner_policy: Chooses the actions.
        attr: Annealed attribute of ``inner_policy``, such as ``eps`` or ``tau``.
        value_at: The value at a step during training.
        value_test: The value outside training.

    Raises:
        ValueError: ``inner_policy`` has no such attribute.
    """

    def __init__(
        self, inner_policy: Policy, attr: str, value_at: Schedule, value_test: float
    ) -> None:
        super().__init__(inner_policy, attr, math.nan, math.nan, value_test, nb_steps=1)
        self.value_at = value_at

    def get_current_value(self) -> float:
        """The value at the agent's step."""
        return self.value_at(self.agent.step) if self.agent.training else self.value_test


def constant(value: float) -> Schedule:
    """Always ``value``."""
    return lambda step: value


def exponential(first: float, limit: float, rate: float) -> Schedule:
    """``limit + (first - limit) * exp(-rate * step)``.

    Args:
        first: Value at step 0.
        limit: Value that is approached.
        rate: Per step, > 0: after 1 / rate steps, 37 % of the difference remains.
    """
    return lambda step: limit + (first - limit) * math.exp(-rate * step)


def piecewise(points: Sequence[Sequence[float]]) -> Schedule:
    """Linear between ``points``; constant before the first and after the last.

    Args:
        points: (step, value), ordered by step.
    """
    steps, values = np.array(points, np.float64).T
    return lambda step: float(np.interp(step, steps, values))
