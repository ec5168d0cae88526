"""Toy games that can be solved by hand, and agents for them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import gymnasium
import keras
import numpy as np
from gymnasium import spaces
from gymnasium.vector import AutoresetMode
from numpy.typing import NDArray

from runner.keras_rl2 import EpsGreedyQPolicy, SequentialMemory
from runner.memory.replay import ReplayMemory


class Outcome(NamedTuple):
    observation: NDArray[np.uint8]
    reward: float
    terminated: bool = False
    truncated: bool = False
    life_lost: bool = False


class Corridor:
    """Cells in a row; 1 goes right, 0 left; entering the last cell gives 1 point and ends the game.

    Starts in each cell but the last, in turn. Truncated after ``limit`` steps; 0: never.
    """

    SHAPE = (5,)
    NB_ACTIONS = 2

    def __init__(self, first_cell: int = 0, limit: int = 0) -> None:
        self._next_start, self._limit = first_cell % (self.SHAPE[0] - 1), limit

    def reset(self) -> NDArray[np.uint8]:
        self._cell, self._steps = self._next_start, 0
        self._next_start = (self._next_start + 1) % (self.SHAPE[0] - 1)
        return self._seen()

    def step(self, action: int) -> Outcome:
        self._cell = max(self._cell + (1 if action else -1), 0)
        self._steps += 1
        won = self._cell == self.SHAPE[0] - 1
        return Outcome(self._seen(), float(won), won, not won and self._steps == self._limit)

    def _seen(self) -> NDArray[np.uint8]:
        return np.eye(self.SHAPE[0], dtype=np.uint8)[self._cell]

    @classmethod
    def optimal_q_values(cls, gamma: float) -> NDArray[np.float64]:
        """(cells - 1, 2): right from cell c wins after n - 1 - c steps, left costs a detour."""
        ahead = np.arange(cls.SHAPE[0] - 1)
        right = gamma ** (len(ahead) - 1.0 - ahead)
        left = gamma * right[np.maximum(ahead - 1, 0)]
        return np.stack([left, right], axis=1)

    @classmethod
    def states(cls) -> NDArray[np.uint8]:
        return np.eye(cls.SHAPE[0], dtype=np.uint8)[:-1, None]  # (cells - 1, window 1, cells)


@dataclass
class Tape:
    """A game with scripted ends, independent of actions; observations count its steps.

    Args:
        ends: Step of the whole tape, from 1 -> ``terminated``, ``truncated`` or ``life_lost``.
        rewards: Rewards of the steps, in a cycle.
    """

    ends: dict[int, str]
    rewards: Sequence[float] = (1.0,)
    SHAPE = (2,)
    NB_ACTIONS = 3

    def __post_init__(self) -> None:
        self._step = self._frame = 0

    def reset(self) -> NDArray[np.uint8]:
        self._frame += 1
        return self._seen()

    def step(self, action: int) -> Outcome:
        reward = self.rewards[self._step % len(self.rewards)]
        self._step += 1
        self._frame += 1
        how = self.ends.get(self._step)
        return Outcome(self._seen(), reward, **({how: True} if how else {}))

    def _seen(self) -> NDArray[np.uint8]:
        return np.array([self._frame % 256, self._frame // 256], np.uint8)


class OldGym:
    """A game with the interface of keras-rl2's loop."""

    def __init__(self, game: Any) -> None:
        self.game = game
        self.action_space = spaces.Discrete(game.NB_ACTIONS)
        self._points, self._length = 0.0, 0

    def reset(self) -> NDArray[np.uint8]:
        return self.game.reset()

    def step(self, action: int) -> tuple[NDArray[np.uint8], float, bool, dict[str, Any]]:
        observation, reward, terminated, truncated, _ = self.game.step(action)
        done = terminated or truncated
        self._points, self._length = self._points + reward, self._length + 1
        info = {"game_reward": reward, "game_over": done, "frames": 1, "stream": 0}
        if done:
            info |= {"episode_return": self._points, "episode_length": self._length}
            self._points, self._length = 0.0, 0
        return observation, reward, done, info


class Arcade(gymnasium.vector.VectorEnv):
    """Parallel games with the emulator pool's interface."""

    def __init__(self, games: Sequence[Any]) -> None:
        self.games = list(games)
        self.num_envs = len(self.games)
        self.metadata = {"autoreset_mode": AutoresetMode.SAME_STEP}
        game = self.games[0]
        self.single_observation_space = spaces.Box(0, 255, game.SHAPE, np.uint8)
        self.single_action_space = spaces.Discrete(game.NB_ACTIONS)
        self.played: list[list[int]] = []
        self._lengths = np.zeros(self.num_envs, np.int64)
        self._points = np.zeros(self.num_envs)

    def reset(self, *, seed: Any = None, options: Any = None) -> tuple[Any, dict[str, Any]]:
        return np.stack([game.reset() for game in self.games]), {}

    def step_async(self, actions: NDArray[Any]) -> None:
        self._actions = [int(action) for action in actions]

    def step_wait(self) -> Any:
        self.played.append(self._actions)
        steps = [game.step(a) for game, a in zip(self.games, self._actions, strict=True)]
        final, rewards, terminated, truncated, life_lost = map(np.array, zip(*steps, strict=True))
        self._points += rewards
        self._lengths += 1
        infos = {
            "final_obs": final,
            "life_lost": life_lost,
            "lives": np.zeros(self.num_envs, np.int32),
            "frames": np.ones(self.num_envs, np.int64),
            "episode_return": self._points.copy(),
            "episode_length": self._lengths.copy(),
        }
        observations = final.copy()
        for i in np.flatnonzero(terminated | truncated):
            observations[i] = self.games[i].reset()
            self._points[i] = self._lengths[i] = 0
        return observations, rewards.astype(np.float64), terminated, truncated, infos

    def step(self, actions: NDArray[Any]) -> Any:
        self.step_async(actions)
        return self.step_wait()


def small_network(
    game: Any = Corridor, window: int = 1, hidden: Iterable[int] = (), start: str = "zeros"
) -> keras.Model:
    inputs = keras.Input((window, *game.SHAPE), dtype="uint8")
    x = keras.layers.Flatten()(keras.layers.Rescaling(1.0)(inputs))
    for units in hidden:
        x = keras.layers.Dense(units, "relu")(x)
    # Without bias and hidden units the network is a table: its weights are the Q-values.
    q_values = keras.layers.Dense(game.NB_ACTIONS, kernel_initializer=start, use_bias=False)(x)
    return keras.Model(inputs, q_values)


def small_agent(
    kind: Callable[..., Any],
    game: Any = Corridor,
    *,
    memory: Any = None,
    model: keras.Model | None = None,
    window: int = 1,
    learning_rate: float = 0.05,
    streams: int | None = None,
    limit: int = 6000,
    **settings: Any,
) -> Any:
    """An agent of class ``kind`` for ``game``; with ``streams`` its memory is a ReplayMemory."""
    if memory is None:
        memory = (
            SequentialMemory(limit, window_length=window)
            if streams is None
            else ReplayMemory(limit, window, game.SHAPE, streams=streams, seed=0)
        )
    defaults = {
        "policy": EpsGreedyQPolicy(0.8),
        "batch_size": 8,
        "gamma": 0.9,
        "nb_steps_warmup": 20,
        "target_model_update": 20,
    }
    agent = kind(
        model=small_network(game, window) if model is None else model,
        nb_actions=game.NB_ACTIONS,
        memory=memory,
        **{**defaults, **settings},
    )
    agent.compile(keras.optimizers.Adam(learning_rate))
    return agent


def compiled_agent(*args: Any, **settings: Any) -> Any:
    from runner.agent.dqn import CompiledDQNAgent

    return small_agent(CompiledDQNAgent, *args, **{"jit_compile": False, **settings})
