"""One Atari game as a Gymnasium environment: frame skip, sticky actions, no-ops, lives.

Rewards are the game's own points: clipping belongs to the learner. The loss of a life is reported,
not acted upon: the game goes on, and whoever learns may call it terminal.
"""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
from ale_py import Action, ALEInterface, ALEState, LoggerMode
from gymnasium import spaces
from numpy.typing import NDArray

from runner.config.games import rom_path
from runner.config.schema import EnvConfig, ObsConfig
from runner.environments.screen import pooled, resized

Observation = NDArray[np.uint8]

RAM_BYTES = 128


class AtariGame(gymnasium.Env[Observation, int]):
    """One emulator.

    Observations: (128,) uint8 with ``obs.name == "ram"``; (height, width) uint8 with ``pixel``.

    ``info`` of a step: ``lives`` (int), ``life_lost`` (bool: a life went and the game goes on; only
    with ``env.life_loss``), ``frames`` (int: emulator frames this step took, or, after a reset, the
    no-ops). At the end of a game also ``episode_return`` (float: its points), ``episode_length``
    (int: its steps).
    """

    def __init__(self, env: EnvConfig, obs: ObsConfig) -> None:
        """Loads the game.

        Raises:
            UserError: ``env.rom_dir`` does not hold the game.
        """
        self._env, self._obs = env, obs
        self._rom = rom_path(env.game, env.rom_dir)
        ALEInterface.setLoggerMode(LoggerMode.Error)
        self.ale = ALEInterface()
        # Drawn here: ALE's saved states forget the action that may stick (see ``_act``).
        self.ale.setFloat("repeat_action_probability", 0.0)
        self.ale.setInt("max_num_frames_per_episode", env.max_frames)
        self.ale.loadROM(self._rom)
        self.actions: list[Action] = (
            self.ale.getLegalActionSet() if env.full_actions else self.ale.getMinimalActionSet()
        )
        self.action_space: spaces.Space[Any] = spaces.Discrete(len(self.actions))
        shape = (RAM_BYTES,) if obs.name == "ram" else (obs.height, obs.width)
        self.observation_space = spaces.Box(0, 255, shape, np.uint8)
        screen = self.ale.getScreenDims()
        self._newer, self._older = np.zeros(screen, np.uint8), np.zeros(screen, np.uint8)
        self._draws = np.random.MT19937()
        self._last_action = Action.NOOP
        self._lives = 0
        self._episode_return = 0.0
        self._episode_length = 0

    def action_meanings(self) -> list[str]:
        """Names of the actions, such as NOOP, FIRE, RIGHT."""
        return [action.name for action in self.actions]

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Observation, dict[str, Any]]:
        """Starts a new game, with 1 to ``env.noop_max`` frames of no-op if that is not 0.

        Args:
            seed: Restarts the emulator with this seed; None goes on with its generators.
            options: Unused.
        """
        super().reset(seed=seed)
        if seed is not None:
            # As ale_py.AtariEnv seeds, so that both play the same game from the same seed.
            np_seed, ale_seed = np.random.SeedSequence(seed).generate_state(2)
            self._np_random = np.random.default_rng(int(np_seed))
            self.ale.setInt("random_seed", int(np.int32(ale_seed)))
            self.ale.loadROM(self._rom)
            generator = np.random.RandomState(int(ale_seed))
            self._draws.state = generator.get_state(legacy=False)  # type: ignore[assignment]
        self._start_game()
        frames = self._play_noops()
        self._lives = self.ale.lives()
        self._episode_return = 0.0
        self._episode_length = 0
        if self._obs.name == "pixel":
            self.ale.getScreenGrayscale(self._newer)
            self._older.fill(0)
        return self._observe(), {"lives": self._lives, "frames": frames}

    def _start_game(self) -> None:
        self.ale.reset_game()
        self._last_action = Action.NOOP

    def _act(self, chosen: Action) -> float:
        """Plays one frame of ``chosen``, or, with probability ``env.sticky``, of the last action.

        The same draws as ALE's own (``StellaEnvironment::act``): from a Mersenne Twister of its
        seed, two a frame, of which the first is the first player's.
        """
        draw, _ = self._draws.random_raw(2)
        if draw >= self._env.sticky * 2**32:
            self._last_action = chosen
        return float(self.ale.act(self._last_action))

    def _play_noops(self) -> int:
        frames = 0
        if self._env.noop_max:
            frames = int(self.np_random.integers(1, self._env.noop_max + 1))
        for _ in range(frames):
            self._act(Action.NOOP)
            if self.ale.game_over():
                self._start_game()
        return frames

    def step(self, action: int) -> tuple[Observation, float, bool, bool, dict[str, Any]]:
        """Plays ``action`` for ``env.frame_skip`` frames, fewer if the game ends before.

        Returns:
            Observation, points, terminated (game over), truncated (``env.max_frames``), info.
        """
        ale, skip, chosen = self.ale, self._env.frame_skip, self.actions[action]
        pixel = self._obs.name == "pixel"
        points, frames, over = 0.0, 0, False
        while frames < skip and not over:
            points += self._act(chosen)
            frames += 1
            over = ale.game_over()
            if pixel and (over or frames >= skip - 1):
                self._newer, self._older = self._older, self._newer
                ale.getScreenGrayscale(self._newer)
        lives = ale.lives()
        info: dict[str, Any] = {
            "lives": lives,
            "life_lost": self._env.life_loss and lives < self._lives and not over,
            "frames": frames,
        }
        self._lives = lives
        self._episode_return += points
        self._episode_length += 1
        if over:
            info["episode_return"] = self._episode_return
            info["episode_length"] = self._episode_length
        truncated = over and ale.game_truncated()
        return self._observe(), points, over and not truncated, truncated, info

    def _observe(self) -> Observation:
        if self._obs.name == "ram":
            return np.asarray(self.ale.getRAM(), np.uint8)
        # A step of one frame has nothing to pool: both buffers would be of different steps.
        screen = pooled(self._newer, self._older) if self._env.frame_skip > 1 else self._newer
        return resized(screen, self._obs.height, self._obs.width)

    def render(self) -> Any:
        """Returns the screen as (210, 160, 3) uint8 RGB."""
        return self.ale.getScreenRGB()

    def get_state(self) -> dict[str, Any]:
        """Returns all that the rest of the game depends on, of plain types and arrays."""
        return {
            "emulator": self.ale.cloneState(include_rng=True).serialize(),
            "generator": self.np_random.bit_generator.state,
            "draws": self._draws.state,
            "last_action": self._last_action.value,
            # Pooled with the next frame, should that be the game's last.
            "screen": self._newer.copy() if self._obs.name == "pixel" else None,
            "lives": self._lives,
            "episode_return": self._episode_return,
            "episode_length": self._episode_length,
        }

    def set_state(self, state: dict[str, Any]) -> None:
        """Goes back to what ``get_state`` returned; the next step observes anew."""
        self.ale.restoreState(ALEState(state["emulator"]))
        self.np_random.bit_generator.state = state["generator"]
        self._draws.state = state["draws"]
        self._last_action = Action(state["last_action"])
        if state["screen"] is not None:
            self._newer[:] = state["screen"]
        self._lives = state["lives"]
        self._episode_return = state["episode_return"]
        self._episode_length = state["episode_length"]
