"""Schedules of a policy's parameter, behind keras-rl2's annealing interface.

Each is a ``LinearAnnealedPolicy`` with the same ``inner_policy``, ``attr``, ``metrics`` and use in
``agent.test``; only the value at a step differs.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from runner.keras_rl2 import LinearAnnealedPolicy, Policy


class AnnealedPolicy(LinearAnnealedPolicy):  # type: ignore[misc]
    """Base: sets ``attr`` of ``inner_policy`` to ``value_at(agent.step)`` before every action.

    Args:
        inner_policy: Chooses the actions.
        attr: Annealed attribute of ``inner_policy``, such as ``eps`` or ``tau``.
        value_test: The value outside training.

    Raises:
        ValueError: ``inner_policy`` has no such attribute.
    """

    def __init__(self, inner_policy: Policy, attr: str, value_test: float) -> None:
        super().__init__(inner_policy, attr, math.nan, math.nan, value_test, nb_steps=1)

    def value_at(self, step: int) -> float:
        """The value at ``step`` during training."""
        raise NotImplementedError

    def get_current_value(self) -> float:
        """The value at the agent's step."""
        return self.value_at(self.agent.step) if self.agent.training else self.value_test


class ConstantPolicy(AnnealedPolicy):
    """Always ``value``."""

    def __init__(self, inner_policy: Policy, attr: str, value: float, value_test: float) -> None:
        super().__init__(inner_policy, attr, value_test)
        self.value = value

    def value_at(self, step: int) -> float:
        """``value``."""
        return self.value


class ExponentialAnnealedPolicy(AnnealedPolicy):
    """``value_min + (value_max - value_min) * exp(-rate * step)``.

    Args:
        rate: Per step, > 0: after 1 / rate steps, 37 % of the difference remains.
    """

    def __init__(
        self,
        inner_policy: Policy,
        attr: str,
        value_max: float,
        value_min: float,
        value_test: float,
        rate: float,
    ) -> None:
        super().__init__(inner_policy, attr, value_test)
        self.value_max, self.value_min, self.rate = value_max, value_min, rate

    def value_at(self, step: int) -> float:
        """The value at ``step``, by the class's formula."""
        return self.value_min + (self.value_max - self.value_min) * math.exp(-self.rate * step)


class PiecewiseAnnealedPolicy(AnnealedPolicy):
    """Linear between ``points``; constant before the first and after the last.

    Args:
        points: (step, value), ordered by step.
    """

    def __init__(
        self, inner_policy: Policy, attr: str, points: Sequence[Sequence[float]], value_test: float
    ) -> None:
        super().__init__(inner_policy, attr, value_test)
        self._steps, self._values = np.array(points, np.float64).T

    def value_at(self, step: int) -> float:
        """The interpolated value at ``step``."""
        return float(np.interp(step, self._steps, self._values))
