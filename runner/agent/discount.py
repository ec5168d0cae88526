"""Schedule of a discount that increases during training.

Sources: François-Lavet et al. 2015, https://arxiv.org/abs/1512.02011 (increasing discount);
Schwarzer et al. 2023, https://arxiv.org/abs/2305.19452 (1 - gamma decays exponentially).
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class RisingDiscount:
    """Increases from ``start`` to ``end`` over ``steps`` steps.

    1 / (1 - gamma), the effective horizon, grows by the same factor at each step.

    Args:
        start: Discount per step at step 0.
        end: Discount per step from step ``steps`` on, < 1.
        steps: >= 1.
    """

    start: float
    end: float
    steps: int

    def __call__(self, step: int) -> float:
        """The discount at ``step``."""
        if step >= self.steps:
            return self.end
        share = step / self.steps
        return float(1.0 - (1.0 - self.start) ** (1.0 - share) * (1.0 - self.end) ** share)
