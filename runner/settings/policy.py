"""Settings of the behaviour policy: selection rule, and schedule of its parameter."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import Any, Final

from models.setting import (
    MOST,
    Rule,
    at_least,
    between,
    finite,
    finite_above,
    one_of,
    option,
    setting,
)
from runner.errors import wrong

_EPSILON: Final = Rule(lambda v: 0 <= v <= 1, "a number from 0 to 1 (epsilon)")
_REPEATS: Final = {"name": one_of("eps_z_greedy")}
_TAU: Final = Rule(lambda v: 0 < v < math.inf, "a finite number > 0 (tau)")


def _is_pair(point: Any) -> bool:
    return (
        isinstance(point, list)
        and len(point) == 2
        and all(isinstance(n, int | float) and not isinstance(n, bool) for n in point)
        and all(abs(n) <= MOST for n in point)
    )


@dataclass
class Policy:
    """Action-selection rules during training."""

    name: str = setting(
        "eps_greedy",
        one_of("eps_greedy", "eps_z_greedy", "greedy", "softmax", "boltzmann"),
        "the rule; its parameter is epsilon (`eps_greedy`, `eps_z_greedy`) or the temperature tau "
        "(`softmax`, `boltzmann`)",
    )
    schedule: str = option("none")
    clip: list[float] = setting(
        [-500.0, 500.0],
        Rule(lambda v: len(v) == 2 and v[0] < v[1], "[lowest, highest]"),
        "limits of Q / tau (keras-rl2's default)",
        needs={"name": one_of("boltzmann")},
    )
    exponent: float = setting(
        2.0,
        Rule(lambda v: 1 < v < math.inf, "a finite number > 1"),
        "a random action is repeated for n steps with probability proportional to n to the power "
        "of -exponent (Dabney et al. 2021)",
        needs=_REPEATS,
    )
    max_action_repeat: int = setting(
        100, at_least(1, "steps", 2**31 - 1), "longest repeat", needs=_REPEATS
    )
    epsilon_spread: float = setting(
        0.0,
        at_least(0.0),
        "environment i of N uses epsilon to the power of 1 + spread * i / (N - 1), a single "
        "environment 1 + spread / 2; environment 0 explores most, and its epsilon is printed; 7 in "
        "Horgan et al. 2018, with epsilon 0.4",
        needs=_REPEATS,
    )
    repeat_share: float = setting(
        1.0,
        between(0, 1),
        "share of the environments with repeated random actions",
        needs=_REPEATS,
    )


@dataclass
class NoSchedule(Policy):
    """No parameter: always the best action."""


@dataclass
class Constant(Policy):
    """The parameter is constant."""

    schedule: str = option("constant")
    value_max: float = setting(0.1, finite(), "epsilon (keras-rl2's default) or tau")


@dataclass
class Linear(Constant):
    """The parameter decays linearly."""

    schedule: str = option("linear")
    value_max: float = setting(1.0, finite(), "epsilon or tau at step 0 (Mnih et al. 2015)")
    value_min: float = setting(0.05, finite(), "epsilon or tau from `policy.nb_steps` on")
    nb_steps: int = setting(200000, at_least(1, "steps"), "steps of the decay")


@dataclass
class Exponential(Constant):
    """The parameter decays exponentially."""

    schedule: str = option("exponential")
    value_max: float = setting(1.0, finite(), "epsilon or tau at step 0")
    value_min: float = setting(0.05, finite(), "limit of epsilon or tau")
    rate: float = setting(
        1.5e-5, finite_above(0), "per step: value_min + (value_max - value_min) * exp(-rate * step)"
    )


@dataclass
class Piecewise(Policy):
    """The parameter is linear between points, constant before and after."""

    schedule: str = option("piecewise")
    points: list[Any] = setting(
        [[300000, 1.0], [1200000, 0.1]],
        Rule(
            lambda v: bool(v) and all(map(_is_pair, v)),
            "a list of [step, value], such as [[0,1],[1000,0.1]]",
        ),
        "`[[step, value], ...]`",
    )


def check_policy(policy: Policy) -> None:
    """Checks relations between the settings of ``policy``.

    Raises:
        UserError: The first invalid setting.
    """
    if (policy.name == "greedy") != (policy.schedule == "none"):
        others = "constant, linear, exponential or piecewise"
        allowed = others if policy.schedule == "none" else "none"
        raise wrong("policy.schedule", policy.schedule, f"{allowed} with policy.name={policy.name}")
    parameter = _EPSILON if policy.name in ("eps_greedy", "eps_z_greedy") else _TAU
    for name in ("value_max", "value_min"):
        value = getattr(policy, name, None)
        if value is not None and not parameter.holds(value):
            raise wrong(f"policy.{name}", value, parameter.allowed)
    if isinstance(policy, Linear | Exponential) and policy.value_min > policy.value_max:
        allowed = f"at most policy.value_max={policy.value_max:g}"
        raise wrong("policy.value_min", policy.value_min, allowed)
    if isinstance(policy, Piecewise):
        steps = [step for step, _ in policy.points]
        if steps[0] < 0 or any(a >= b for a, b in itertools.pairwise(steps)):
            allowed = "steps >= 0, each after the previous one"
            raise wrong("policy.points", policy.points, allowed)
        if not all(parameter.holds(value) for _, value in policy.points):
            raise wrong("policy.points", policy.points, f"values: {parameter.allowed}")
