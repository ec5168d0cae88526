"""One game behind the old Gym interface that keras-rl2's loop expects."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from runner.environments.atari import AtariGame


class SingleGame:
    """keras-rl2 environment: ``reset() -> observation``, ``step(a) -> observation, r, done, info``.

    The reward is the learner's: the points plus ``extra_reward``. The points alone are
    ``info["game_reward"]``.

    ``done`` is also true for a lost life, if the settings say so: keras-rl2 then calls ``reset``,
    which continues the same game. A truncated game is ``done`` too: keras-rl2 has no separate flag,
    and does not bootstrap there.

    Args:
        game: The emulator.
        seed: Seed of the emulator.
    """

    def __init__(self, game: AtariGame, seed: int) -> None:
        self._game = game
        self._game_over = True
        self._seed: int | None = seed
        self.action_meanings = game.action_meanings()
        self.single_observation_space = game.observation_space
        self.action_space, self.observation_space = game.action_space, game.observation_space

    def reset(self) -> NDArray[np.uint8]:
        """Starts a game, or continues after a lost life."""
        if self._game_over:
            self._observation, info = self._game.reset(seed=self._seed)
            self._seed, self._game_over = None, False
            self._start_frames = info["frames"]
        return self._observation

    def step(self, action: int) -> tuple[NDArray[np.uint8], float, bool, dict[str, Any]]:
        """Plays one step."""
        self._observation, reward, terminated, truncated, info = self._game.step(int(action))
        self._game_over = terminated or truncated
        numbers = {
            "game_reward": reward,
            "game_over": self._game_over,
            "frames": info["frames"] + self._start_frames,
            "stream": 0,
        }
        if self._game_over:
            numbers |= {name: info[name] for name in ("episode_return", "episode_length")}
        self._start_frames = 0
        reward += info["extra_reward"]
        return self._observation, reward, self._game_over or info["life_lost"], numbers

    def close(self) -> None:
        """Frees the emulator, which must not outlive the program's exit."""
        vars(self).pop("_game", None)
