"""Applies a keras-rl2 policy to parallel environments; saves and restores its state."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from runner.keras_rl2 import Policy
from runner.policies.rules import EpsZGreedyQPolicy, rule_of


class _AgentAt:
    """The agent as seen by a policy that chooses an action at ``step``."""

    def __init__(self, agent: Any) -> None:
        self._agent, self.step = agent, 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._agent, name)


def select_actions(
    policy: Policy, q_values: NDArray[np.float32], streams: NDArray[np.int64], steps: Sequence[int]
) -> tuple[NDArray[np.int32], list[list[float]]]:
    """Chooses an action in each of ``n`` environments, in order.

    Args:
        policy: Policy of an agent. Its ``agent.step`` is the step of the current environment.
        q_values: (n, nb_actions).
        streams: (n,) numbers of the environments, passed to policies with a state for each.
        steps: (n,) steps of the run.

    Returns:
        Actions (n,), and the policy's metrics for each.
    """
    actions, metrics = np.empty(len(q_values), np.int32), []
    agent = policy.agent
    moment = _AgentAt(agent)
    policy._set_agent(moment)
    per_game = isinstance(rule_of(policy), EpsZGreedyQPolicy)
    try:
        for i, (stream, step) in enumerate(zip(streams.tolist(), steps, strict=True)):
            moment.step = step
            game = {"stream": stream} if per_game else {}
            actions[i] = policy.select_action(q_values=q_values[i], **game)
            metrics.append(policy.metrics)
    finally:
        policy._set_agent(agent)
    return actions, metrics


def policy_state(policy: Policy) -> dict[str, Any]:
    """Returns the numbers and arrays of a policy's state, including its inner policy's."""
    kept = {
        name: value
        for name, value in vars(policy).items()
        if isinstance(value, bool | int | float | np.ndarray | np.generic)
    }
    inner = getattr(policy, "inner_policy", None)
    return {"own": kept, "inner": None if inner is None else policy_state(inner)}


def set_policy_state(policy: Policy, state: dict[str, Any]) -> None:
    """Restores the state returned by ``policy_state``."""
    vars(policy).update(state["own"])
    if state["inner"] is not None:
        set_policy_state(policy.inner_policy, state["inner"])
