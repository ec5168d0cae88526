"""Builds the Keras optimizer from settings."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, Final

import keras
from keras.optimizers import schedules

from runner.settings.agent import DQN, KerasRL2Agent

# Arguments specific to each optimizer, in addition to the shared ones.
_OPTIMIZERS: Final[dict[str, Callable[..., keras.optimizers.Optimizer]]] = {
    "adam": lambda agent, **shared: keras.optimizers.Adam(epsilon=agent.adam_epsilon, **shared),
    "adamw": lambda agent, **shared: keras.optimizers.AdamW(
        epsilon=agent.adam_epsilon, weight_decay=agent.weight_decay, **shared
    ),
    # Centred, with both means over about 20 updates: Mnih et al. 2015, extended data table 1.
    "rmsprop": lambda agent, **shared: keras.optimizers.RMSprop(
        rho=0.95, momentum=agent.momentum, epsilon=agent.adam_epsilon, centered=True, **shared
    ),
    "sgd": lambda agent, **shared: keras.optimizers.SGD(momentum=agent.momentum, **shared),
}


def make_optimizer(agent: KerasRL2Agent) -> keras.optimizers.Optimizer:
    """Builds the optimizer from ``agent``'s settings."""
    shared: dict[str, Any] = {"learning_rate": _learning_rate(agent)}
    if not math.isinf(agent.gradient_clip):
        shared["global_clipnorm"] = agent.gradient_clip
    if isinstance(agent, DQN) and agent.ema_decay:
        shared |= {"use_ema": True, "ema_momentum": agent.ema_decay}
    return _OPTIMIZERS[agent.optimizer](agent, **shared)


def _learning_rate(agent: KerasRL2Agent) -> float | schedules.LearningRateSchedule:
    """Constant, or constant and then linearly decaying. Keras counts updates, not steps."""
    if not agent.lr_decay_steps:
        return agent.learning_rate
    updates = math.ceil(agent.lr_decay_steps / agent.train_interval)
    held = math.floor(agent.lr_hold * updates)
    return _HeldThenFalling(agent.learning_rate, agent.lr_min, held, updates)


@dataclass
class _HeldThenFalling(schedules.LearningRateSchedule):  # type: ignore[misc]
    """``start`` for ``held`` updates, then linear decay to ``end`` at ``updates``."""

    start: float
    end: float
    held: int
    updates: int

    def __call__(self, step: Any) -> Any:
        fall = keras.ops.cast(step - self.held, "float32") / (self.updates - self.held)
        return self.start + (self.end - self.start) * keras.ops.clip(fall, 0.0, 1.0)

    def get_config(self) -> dict[str, Any]:
        return asdict(self)
