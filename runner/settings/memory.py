"""Settings of the replay memory."""

from __future__ import annotations

from dataclasses import dataclass

from models.setting import REQUIRED, at_least, between, finite_above, one_of, option, setting


@dataclass
class SequentialMemory:
    """keras-rl2's memory, with a single environment."""

    name: str = option("sequential")
    limit: int = setting(
        100000,
        at_least(1, "transitions"),
        "capacity in transitions: keras-rl2 stores Python objects in deques that slow down with "
        "size",
    )


@dataclass
class ReplayMemory:
    """Ring buffers of bytes, for many parallel environments."""

    name: str = option("replay")
    limit: int = setting(
        1000000,
        at_least(1, "transitions"),
        "capacity in transitions (Mnih et al. 2015), 134 bytes each with `obs=ram`, 7062 with "
        "84x84 screens; must fit into free memory",
    )
    border: str = setting(
        "pad",
        one_of("pad", "redraw"),
        "for a window that begins before its episode: pad it with zeros, as keras-rl2, or draw "
        "another transition; `redraw` needs episodes of at least `obs.window` steps",
    )


@dataclass
class PrioritizedMemory(ReplayMemory):
    """Transitions are drawn in proportion to their last TD error (Schaul et al. 2016)."""

    name: str = option("prioritized")
    alpha: float = setting(0.6, between(0, 1), "exponent of the priorities; 0: uniform")
    beta_start: float = setting(
        0.4, between(0, 1), "exponent of the importance weights at step 0, increasing linearly"
    )
    beta_steps: int = setting(
        REQUIRED, at_least(1, "steps"), "step at which beta reaches 1: `train.steps`, unless set"
    )
    priority_epsilon: float = setting(1.0e-6, finite_above(0), "added to the absolute TD errors")
