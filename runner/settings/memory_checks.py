"""What the replay memory can do, and what it takes of memory and disk."""

from __future__ import annotations

import math
from typing import Any, Final

import psutil

from runner.errors import wrong
from runner.settings.observations import observation_shape
from runner.settings.schema import Config

PRIORITY_BYTES: Final = 5  # of one transition, the sums over it included


def check_memory(config: Config) -> None:
    """Checks that keras-rl2's own memory is asked for nothing that it cannot do.

    Raises:
        UserError: The first thing that it cannot.
    """
    if config.memory.name != "sequential":
        return
    memory, n_step = config.memory, config.agent.n_step
    asked: tuple[tuple[str, Any, str, bool], ...] = (
        ("agent.n_step", n_step, "1", n_step == 1),
        ("memory.border", memory.border, "pad", memory.border == "pad"),
        ("memory.prioritized", "true", "false", not memory.prioritized),
    )
    for field, value, only, possible in asked:
        if not possible:
            raise wrong(field, value, f"{only} with memory=sequential")


def observation_bytes(config: Config) -> int:
    """Bytes of one stored observation."""
    return math.prod(observation_shape(config.env, config.obs))


def replay_bytes(config: Config) -> int:
    """Bytes that the full replay memory takes (float copies and Python objects for keras-rl2's)."""
    per_transition = observation_bytes(config) + (8 if config.memory.name == "replay" else 350)
    if config.memory.prioritized:
        per_transition += PRIORITY_BYTES
    return config.memory.limit * per_transition


def checkpoint_bytes(config: Config) -> int:
    """Bytes that the replay's part of all kept checkpoints takes at most; 0: none are made."""
    if config.memory.name != "replay":
        return 0
    extra = (config.checkpoint.keep + 1) * config.checkpoint.interval
    # Final observations are entries too: 2 % is a game of 50 steps.
    entries = min(config.memory.limit + extra, int(1.02 * config.train.steps))
    # The priorities are whole in every checkpoint, and in the one that is being written.
    priorities = (config.checkpoint.keep + 1) * min(config.memory.limit, entries) * PRIORITY_BYTES
    return entries * (observation_bytes(config) + 8) + priorities * config.memory.prioritized


def check_memory_size(config: Config) -> None:
    """Checks that the full replay memory fits into what is free.

    Raises:
        UserError: It does not.
    """
    needed, available = replay_bytes(config), psutil.virtual_memory().available
    if needed > available:
        per_transition = needed / config.memory.limit
        raise wrong(
            "memory.limit",
            config.memory.limit,
            f"at most {int(available / per_transition)} here: the replay takes "
            f"{needed / 1e9:.1f} GB, {available / 1e9:.1f} GB of memory are free",
        )
