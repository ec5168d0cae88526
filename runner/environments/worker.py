"""The worker process of the emulator pool, and the memory it shares with the pool."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.shared_memory import SharedMemory
from typing import Any

import numpy as np
from numpy.typing import NDArray

from runner.environments.atari import AtariGame
from runner.settings.schema import EnvConfig, ObsConfig

REST = -1  # action that does not step the environment


@dataclass(frozen=True)
class Layout:
    """Positions of the arrays in the shared memory block, the same on both sides."""

    num_envs: int
    observation_shape: tuple[int, ...]

    def _fields(self) -> dict[str, tuple[tuple[int, ...], str]]:
        each, images = (self.num_envs,), (self.num_envs, *self.observation_shape)
        return {
            "observations": (images, "u1"),  # next observations
            "final_observations": (images, "u1"),  # last observations of games that ended
            "actions": (each, "i4"),
            "started": (each, "?"),
            "rewards": (each, "f8"),
            "terminated": (each, "?"),
            "truncated": (each, "?"),
            "life_lost": (each, "?"),
            "extra_reward": (each, "f8"),
            "lives": (each, "i4"),
            "frames": (each, "i8"),
            "episode_return": (each, "f8"),
            "episode_length": (each, "i8"),
        }

    def size(self) -> int:
        """Bytes of the block."""
        return sum(_aligned(shape, dtype) for shape, dtype in self._fields().values())

    def arrays(self, block: SharedMemory) -> dict[str, NDArray[Any]]:
        """The arrays in ``block``, by name."""
        arrays, offset = {}, 0
        for name, (shape, dtype) in self._fields().items():
            arrays[name] = np.ndarray(shape, dtype, buffer=block.buf, offset=offset)
            offset += _aligned(shape, dtype)
        return arrays


def _aligned(shape: tuple[int, ...], dtype: str) -> int:
    size = int(np.prod(shape)) * np.dtype(dtype).itemsize
    return -(-size // 64) * 64  # full cache lines: no two processes write to the same one


def play(
    pipe: Connection,
    block_name: str,
    layout: Layout,
    games: Sequence[range],
    env: EnvConfig,
    obs: ObsConfig,
) -> None:
    """Main loop of a worker process, until its pipe closes."""
    if hasattr(os, "sched_setscheduler"):  # Linux
        # An arriving step does not preempt the learner: fewer context switches.
        with contextlib.suppress(OSError):
            os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
    block = SharedMemory(name=block_name)
    arrays = layout.arrays(block)
    try:
        groups = [{index: AtariGame(env, obs) for index in share} for share in games]
        players = {index: game for group in groups for index, game in group.items()}
        while True:
            order = pipe.recv_bytes()
            if order == b"c":
                command, arguments = pipe.recv()
                answer: Any
                try:
                    answer = {
                        index: _obey(command, argument, index, players[index], arrays)
                        for index, argument in arguments.items()
                    }
                except Exception as error:  # such as the state of another game
                    answer = ValueError(f"{command}: {type(error).__name__} {error}")
                pipe.send(answer)
                continue
            for index, game in groups[order[0]].items():
                _step(game, index, arrays)
            pipe.send_bytes(b"d")
    except (EOFError, OSError):
        pass
    finally:
        arrays.clear()
        with contextlib.suppress(BufferError):
            block.close()


def _step(game: AtariGame, index: int, a: dict[str, NDArray[Any]]) -> None:
    action = a["actions"][index]
    if action == REST:
        return
    observation, reward, terminated, truncated, info = game.step(action)
    if terminated or truncated:
        a["final_observations"][index] = observation
        observation, start = game.reset()
        info["lives"] = start["lives"]
        info["frames"] += start["frames"]
    a["observations"][index] = observation
    a["rewards"][index] = reward
    a["terminated"][index] = terminated
    a["truncated"][index] = truncated
    for name, value in info.items():
        a[name][index] = value


def _obey(
    command: str, argument: Any, index: int, game: AtariGame, a: dict[str, NDArray[Any]]
) -> Any:
    if command == "reset":
        a["observations"][index], info = game.reset(seed=argument)
        a["lives"][index] = info["lives"]
        a["started"][index] = True
        return None
    if command == "get_state":
        return game.get_state()
    return game.set_state(argument)
