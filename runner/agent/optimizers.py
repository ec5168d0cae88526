"""From settings to the Keras optimizer."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Final

import keras

from runner.config.schema import AgentConfig

# What each takes beside the learning rate and the gradient's greatest norm.
_OPTIMIZERS: Final[dict[str, Callable[..., keras.optimizers.Optimizer]]] = {
    "adam": lambda agent, **both: keras.optimizers.Adam(epsilon=agent.adam_epsilon, **both),
    "adamw": lambda agent, **both: keras.optimizers.AdamW(
        epsilon=agent.adam_epsilon, weight_decay=agent.weight_decay, **both
    ),
    # Centred, and both means over about 20 updates: as Mnih et al. 2015, extended data table 1.
    "rmsprop": lambda agent, **both: keras.optimizers.RMSprop(
        rho=0.95, momentum=agent.momentum, epsilon=agent.adam_epsilon, centered=True, **both
    ),
    "sgd": lambda agent, **both: keras.optimizers.SGD(momentum=agent.momentum, **both),
}


def make_optimizer(agent: AgentConfig) -> keras.optimizers.Optimizer:
    """Builds the optimizer of ``agent``'s settings."""
    both: dict[str, Any] = {"learning_rate": agent.learning_rate}
    if not math.isinf(agent.gradient_clip):
        both["global_clipnorm"] = agent.gradient_clip
    return _OPTIMIZERS[agent.optimizer](agent, **both)
