"""Which switches of the agent go together; docs/algorithms.md says why."""

from __future__ import annotations

import math
from typing import Any, Final

from runner.errors import wrong
from runner.settings.schema import AgentConfig, Config

# What keras-rl2's own agent can do of it: field, values, as they are typed.
_STOCK: Final[tuple[tuple[str, tuple[Any, ...], str], ...]] = (
    ("gamma_steps", (0,), "0"),
    ("precision", ("auto", "float32"), "float32"),
    ("expected_sarsa", (False,), "false"),
    ("munchausen", (False,), "false"),
    ("distribution", ("none",), "none"),
    ("noisy_sigma", (0.0,), "0"),
    ("ema_decay", (0.0,), "0"),
)


def check_agent(config: Config) -> None:
    """Checks that the switches of one run's agent go together.

    Raises:
        UserError: The first that does not.
    """
    agent = config.agent
    if agent.name == "keras_rl2":
        _check_stock(agent)
    if agent.gamma_steps:
        if agent.gamma == 1:
            raise wrong("agent.gamma", agent.gamma, "less than 1 with agent.gamma_steps")
        if agent.gamma_start > agent.gamma:
            allowed = f"at most agent.gamma={agent.gamma:g}, to where it rises"
            raise wrong("agent.gamma_start", agent.gamma_start, allowed)
    if agent.lr_min > agent.learning_rate:
        allowed = f"at most agent.learning_rate={agent.learning_rate:g}, from where it falls"
        raise wrong("agent.lr_min", agent.lr_min, allowed)
    if agent.munchausen:
        for field in ("double", "expected_sarsa"):
            if getattr(agent, field):
                only = "false with agent.munchausen=true, which brings a policy of its own"
                raise wrong(f"agent.{field}", "true", only)
    if agent.expected_sarsa and config.policy.name == "boltzmann":
        only = "false with policy=boltzmann, whose clipped probabilities no target has (softmax?)"
        raise wrong("agent.expected_sarsa", "true", only)
    if agent.expected_sarsa and config.policy.name == "eps_z_greedy":
        only = "false with policy.name=eps_z_greedy, whose actions do not follow from the state"
        raise wrong("agent.expected_sarsa", "true", only)
    if agent.dueling == "streams" and not config.model.hidden:
        only = "at least one layer with agent.dueling=streams: the last is each stream's"
        raise wrong("model.hidden", config.model.hidden, only)
    if agent.distribution == "c51" and agent.v_min >= agent.v_max:
        raise wrong("agent.v_min", agent.v_min, f"less than agent.v_max={agent.v_max:g}")
    if agent.distribution in ("qr", "iqn") and math.isinf(agent.delta_clip):
        only = f"a finite number with agent.distribution={agent.distribution}: its loss's kappa"
        raise wrong("agent.delta_clip", agent.delta_clip, only)


def _check_stock(agent: AgentConfig) -> None:
    for field, possible, shown in _STOCK:
        value = getattr(agent, field)
        if value not in possible:
            typed = str(value).lower() if isinstance(value, bool) else value
            raise wrong(f"agent.{field}", typed, f"{shown} with agent=keras_rl2")
