"""Memory and disk requirements of the replay memory."""

from __future__ import annotations

import math
from typing import Final

from runner import limits
from runner.cores import cores
from runner.errors import UserError, wrong
from runner.settings.memory import PrioritizedMemory, SequentialMemory
from runner.settings.observations import observation_shape
from runner.settings.schema import Config

PRIORITY_BYTES: Final = 5  # per transition, including the sums over it
PROGRAM_BYTES: Final = 800_000_000  # of memory without the replay, mostly TensorFlow
PROGRAM_ADDRESSES: Final = 3_400_000_000  # bytes of address space without the replay
PROGRAM_FILES: Final = 64  # open files without those of the emulator processes
FILES_OF_A_PROCESS: Final = 4


def observation_bytes(config: Config) -> int:
    """Bytes of one stored observation."""
    return math.prod(observation_shape(config.env, config.obs))


def replay_bytes(config: Config) -> int:
    """Bytes of the full replay memory (with Python objects and float copies for keras-rl2's)."""
    extra = 350 if isinstance(config.memory, SequentialMemory) else 8
    per_transition = observation_bytes(config) + extra
    if isinstance(config.memory, PrioritizedMemory):
        per_transition += PRIORITY_BYTES
    return config.memory.limit * per_transition


def checkpoint_bytes(config: Config) -> int:
    """Largest size in bytes of the replay in all kept checkpoints; 0: no checkpoints."""
    if isinstance(config.memory, SequentialMemory):
        return 0
    extra = (config.checkpoint.keep + 1) * config.checkpoint.interval
    # Final observations are entries too: 2 % corresponds to games of 50 steps.
    entries = min(config.memory.limit + extra, int(1.02 * config.train.steps))
    # Every checkpoint has a full copy of the priorities, including the one being written.
    priorities = (config.checkpoint.keep + 1) * min(config.memory.limit, entries) * PRIORITY_BYTES
    has_priorities = isinstance(config.memory, PrioritizedMemory)
    return entries * (observation_bytes(config) + 8) + priorities * has_priorities


def check_memory_size(config: Config) -> None:
    """Checks that the program and the full replay memory fit into this process's limits.

    Raises:
        UserError: They do not fit.
    """
    replay = replay_bytes(config)
    for what, free, program in (
        ("memory", limits.free_memory(), PROGRAM_BYTES),
        ("address space (ulimit -v)", limits.free_address_space(), PROGRAM_ADDRESSES),
    ):
        if free is None or replay + program <= free:
            continue
        gigabytes = f"{program / 1e9:.1f} GB, {free / 1e9:.1f} GB of {what} are free"
        if free <= program:
            raise UserError(f"{what}: expected more: the program takes {gigabytes}")
        raise wrong(
            "memory.limit",
            config.memory.limit,
            f"at most {int((free - program) / (replay / config.memory.limit))} here: the replay "
            f"takes {replay / 1e9:.1f} GB, the program {gigabytes}",
        )
    needed, files = PROGRAM_FILES + FILES_OF_A_PROCESS * cores(), limits.free_descriptors()
    if files is not None and files < needed:
        raise UserError(f"open files (ulimit -n): expected {needed} more, {files} are allowed")
