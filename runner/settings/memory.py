"""Settings of the replay memory."""

from __future__ import annotations

from dataclasses import dataclass

from models.setting import REQUIRED, at_least, between, finite_above, one_of, option, setting


@dataclass
class SequentialMemory:
    """keras-rl2's own memory, one game at a time."""

    name: str = option("sequential")
    limit: int = setting(
        100000,
        at_least(1, "transitions"),
        "transitions kept: keras-rl2 keeps Python objects, and its deques slow down as they grow",
    )


@dataclass
class ReplayMemory:
    """Rings of bytes, for many parallel environments."""

    name: str = option("replay")
    limit: int = setting(
        1000000,
        at_least(1, "transitions"),
        "transitions kept (Mnih et al. 2015), 134 bytes each with `obs=ram`, 7062 with 84x84 "
        "screens; refused if they do not fit into free memory",
    )
    border: str = setting(
        "pad",
        one_of("pad", "redraw"),
        "a window that begins before its episode: zeros there, as keras-rl2, or another transition "
        "is drawn; `redraw` needs episodes of at least `obs.window` steps",
    )


@dataclass
class PrioritizedMemory(ReplayMemory):
    """Transitions are drawn in proportion to their last TD error (Schaul et al. 2016)."""

    name: str = option("prioritized")
    alpha: float = setting(0.6, between(0, 1), "exponent of the priorities; 0: all alike")
    beta_start: float = setting(
        0.4, between(0, 1), "exponent of the importance weights at step 0, rising linearly"
    )
    beta_steps: int = setting(
        REQUIRED, at_least(1, "steps"), "step at which it reaches 1: `train.steps`, unless set"
    )
    priority_epsilon: float = setting(1.0e-6, finite_above(0), "added to the absolute TD errors")
