"""Builds the behaviour policy from settings."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from runner.keras_rl2 import (
    BoltzmannQPolicy,
    EpsGreedyQPolicy,
    GreedyQPolicy,
    LinearAnnealedPolicy,
    Policy,
)
from runner.policies.annealing import AnnealedPolicy, Schedule, constant, exponential, piecewise
from runner.policies.rules import EpsZGreedyQPolicy, SoftmaxQPolicy, parameter_name
from runner.settings.checks import num_envs
from runner.settings.policy import Linear
from runner.settings.schema import Config, PolicyConfig

RULES: Final[dict[str, Callable[[PolicyConfig, int], Policy]]] = {
    "eps_greedy": lambda p, _: EpsGreedyQPolicy(),
    "eps_z_greedy": lambda p, games: EpsZGreedyQPolicy(
        games, p.exponent, p.max_action_repeat, p.epsilon_spread, p.repeat_share
    ),
    "greedy": lambda p, _: GreedyQPolicy(),
    "softmax": lambda p, _: SoftmaxQPolicy(),
    "boltzmann": lambda p, _: BoltzmannQPolicy(clip=tuple(p.clip)),
}

# ``linear`` is keras-rl2's own.
SCHEDULES: Final[dict[str, Callable[[Any], Schedule]]] = {
    "constant": lambda p: constant(p.value_max),
    "exponential": lambda p: exponential(p.value_max, p.value_min, p.rate),
    "piecewise": lambda p: piecewise(p.points),
}


def make_policy(config: Config) -> Policy:
    """Builds the behaviour policy: a rule whose parameter follows the schedule."""
    policy = config.policy
    rule = RULES[policy.name](policy, num_envs(config))
    attribute = parameter_name(rule)
    if attribute is None:
        return rule
    # Used by keras-rl2's test(); evaluations of a run implement epsilon-greedy themselves.
    test = config.eval.epsilon if attribute == "eps" else rule.tau
    if isinstance(policy, Linear):
        return LinearAnnealedPolicy(
            rule, attribute, policy.value_max, policy.value_min, test, policy.nb_steps
        )
    return AnnealedPolicy(rule, attribute, SCHEDULES[policy.schedule](policy), test)
