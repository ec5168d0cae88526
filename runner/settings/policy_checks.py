"""What a policy's settings may be: each rule and each schedule takes its own."""

from __future__ import annotations

import itertools
import math
from typing import Any, Final

from runner.errors import wrong
from runner.settings.schema import PolicyConfig

RULES: Final = ("eps_greedy", "eps_z_greedy", "greedy", "softmax", "boltzmann")
EPSILON: Final = ("eps_greedy", "eps_z_greedy")  # the rules whose parameter is epsilon
# The settings that each schedule is made of.
SCHEDULES: Final = {
    "constant": ("value_max",),
    "linear": ("value_max", "value_min", "nb_steps"),
    "exponential": ("value_max", "value_min", "rate"),
    "piecewise": ("points",),
}
_ALL: Final = ("value_max", "value_min", "nb_steps", "rate", "points")


def check_policy(policy: PolicyConfig) -> None:
    """Checks the settings of ``policy``, one by one and together.

    Raises:
        UserError: The first thing that is wrong.
    """
    if policy.name not in RULES:
        raise wrong("policy.name", policy.name, f"one of {', '.join(RULES)}")
    if policy.schedule not in SCHEDULES:
        raise wrong("policy.schedule", policy.schedule, f"one of {', '.join(SCHEDULES)}")
    used = () if policy.name == "greedy" else SCHEDULES[policy.schedule]
    by = "policy=greedy" if policy.name == "greedy" else f"policy.schedule={policy.schedule}"
    for name in _ALL:
        value = getattr(policy, name)
        if name not in used and value not in (None, []):
            nothing = "[]" if name == "points" else "null"
            raise wrong(f"policy.{name}", value, f"{nothing} with {by}")
    for name in used:
        _check(policy, name)
    if "value_min" in used and policy.value_min > policy.value_max:  # type: ignore[operator]
        raise wrong(
            "policy.value_min",
            policy.value_min,
            f"at most policy.value_max={policy.value_max:g}",
        )
    if len(policy.clip) != 2 or not policy.clip[0] < policy.clip[1]:
        raise wrong("policy.clip", policy.clip, "[lowest, highest]")
    if not 1 < policy.exponent < math.inf:
        raise wrong("policy.exponent", policy.exponent, "a finite number > 1")
    if policy.max_action_repeat < 1:
        raise wrong("policy.max_action_repeat", policy.max_action_repeat, "an integer >= 1 steps")
    if not 0 <= policy.epsilon_spread < math.inf:
        raise wrong("policy.epsilon_spread", policy.epsilon_spread, "a finite number >= 0")
    if not 0 <= policy.repeat_share <= 1:
        raise wrong("policy.repeat_share", policy.repeat_share, "a share from 0 to 1")


def _check(policy: PolicyConfig, name: str) -> None:
    value = getattr(policy, name)
    if name == "points":
        _check_points(policy)
    elif name == "nb_steps":
        if value is None or value < 1:
            raise wrong("policy.nb_steps", value, "an integer >= 1 steps")
    elif name == "rate":
        if value is None or not 0 < value < math.inf:
            raise wrong("policy.rate", value, "a finite number > 0, per step")
    elif value is None or not _is_parameter(policy, value):
        raise wrong(f"policy.{name}", value, _parameter(policy))


def _check_points(policy: PolicyConfig) -> None:
    points = policy.points  # OmegaConf's types know no pairs
    pairs = [p for p in points if isinstance(p, list) and len(p) == 2 and all(map(_is_number, p))]
    if not points or len(pairs) != len(points):
        raise wrong("policy.points", points, "a list of [step, value], such as [[0,1],[1000,0.1]]")
    steps = [step for step, _ in pairs]
    if steps[0] < 0 or any(a >= b for a, b in itertools.pairwise(steps)):
        raise wrong("policy.points", points, "steps >= 0, each after the one before")
    for _, value in pairs:
        if not _is_parameter(policy, value):
            raise wrong("policy.points", points, f"as value, {_parameter(policy)}")


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _is_parameter(policy: PolicyConfig, value: float) -> bool:
    return 0 <= value <= 1 if policy.name in EPSILON else 0 < value < math.inf


def _parameter(policy: PolicyConfig) -> str:
    if policy.name in EPSILON:
        return "a number from 0 to 1 (epsilon)"
    return "a finite number > 0 (tau)"
