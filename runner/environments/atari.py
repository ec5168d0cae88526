"""An Atari game as a Gymnasium environment: frame skip, sticky actions, starts, lives, limits.

Rewards are the game's points: the learner clips them, and additional rewards are reported
separately. A lost life is only reported: the game continues, and the learner may treat the
transition as terminal.
"""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
from ale_py import Action, ALEInterface, LoggerMode
from gymnasium import spaces
from numpy.typing import NDArray

from runner.environments import emulator_state
from runner.environments.screen import Screen, ScreenView
from runner.settings.games import rom_path
from runner.settings.obs import BothObservation, PixelObservation, RamObservation
from runner.settings.observations import observation_shape
from runner.settings.schema import EnvConfig, ObsConfig

Observation = NDArray[np.uint8]


@functools.cache
def _actions(rom: Path, full: bool) -> tuple[Action, ...]:
    """The actions of a game; ALE must load the game to list them (0.2 s)."""
    ALEInterface.setLoggerMode(LoggerMode.Error)
    ale = ALEInterface()
    ale.loadROM(rom)
    return tuple(ale.getLegalActionSet() if full else ale.getMinimalActionSet())


def actions_of(env: EnvConfig) -> tuple[Action, ...]:
    """The actions of a game under the settings ``env``."""
    return _actions(rom_path(env.game, env.rom_dir), env.full_actions)


class AtariGame(gymnasium.Env[Observation, int]):
    """One emulator.

    Observations: (128,) uint8 with ``obs.name == "ram"``, fewer with ``obs.bytes``; with ``pixel``
    (height, width) or (height, width, 3) uint8; with ``both`` one vector (128 + pixels,).

    ``info`` of a step: ``lives`` (int), ``life_lost`` (bool; only with
    ``env.terminal_on_life_loss``), ``extra_reward`` (float: for the learner, added to the points),
    ``frames`` (int: emulator frames of this step, or, after a reset, of the start sequence). At the
    end of a game also ``episode_return`` (float: points), ``episode_length`` (int: steps).
    """

    def __init__(self, env: EnvConfig, obs: ObsConfig) -> None:
        """Locates the ROM; the first ``reset`` or ``set_state`` loads it.

        Raises:
            UserError: ``env.rom_dir`` does not hold the game.
        """
        self._env, self._obs = env, obs
        self._rom = rom_path(env.game, env.rom_dir)
        ALEInterface.setLoggerMode(LoggerMode.Error)
        self.ale = ALEInterface()
        # Sticky actions are drawn here: ALE's saved states omit the last action (see ``_act``).
        self.ale.setFloat("repeat_action_probability", 0.0)
        self.ale.setInt("max_num_frames_per_episode", env.max_frames)
        self.actions = actions_of(env)
        self._is_loaded = False
        self.action_space: spaces.Space[Any] = spaces.Discrete(len(self.actions))
        self.observation_space = spaces.Box(0, 255, observation_shape(env, obs), np.uint8)
        seen = obs.bytes if isinstance(obs, RamObservation) else None
        self._bytes = None if seen is None else np.array(seen)
        self._is_both = isinstance(obs, BothObservation)
        self._view = ScreenView(obs) if isinstance(obs, PixelObservation) else None
        self._newer: Screen
        self._older: Screen
        self._skips = env.frame_skip if isinstance(env.frame_skip, list) else [env.frame_skip]
        self._fires = env.fire_at_start and Action.FIRE in self.actions
        self._moves = [move for move in (Action.RIGHT, Action.LEFT) if move in self.actions]
        self._draws = np.random.MT19937()
        self._last_action = Action.NOOP
        self._lives, self._episode_return, self._episode_length = 0, 0.0, 0

    def action_meanings(self) -> list[str]:
        """Names of the actions, such as NOOP, FIRE, RIGHT."""
        return [action.name for action in self.actions]

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Observation, dict[str, Any]]:
        """Starts a new game, with no-ops, moves and FIRE as configured.

        Args:
            seed: Restarts the emulator with this seed; None: continues its generators.
            options: Unused.
        """
        super().reset(seed=seed)
        if seed is not None:
            # Seeded as in ale_py.AtariEnv, so that both play the same game from the same seed.
            np_seed, ale_seed = np.random.SeedSequence(seed).generate_state(2)
            self._np_random = np.random.default_rng(int(np_seed))
            self.ale.setInt("random_seed", int(np.int32(ale_seed)))
            self._load()
            generator = np.random.RandomState(int(ale_seed))
            self._draws.state = generator.get_state(legacy=False)  # type: ignore[assignment]
        elif not self._is_loaded:
            self._load()
        self._start_game()
        frames = self._play_start()
        self._lives, self._episode_return, self._episode_length = self.ale.lives(), 0.0, 0
        if self._view is not None:
            self._read_screen(self._newer)
        return self.observe(), {"lives": self._lives, "frames": frames}

    def _load(self) -> None:
        self.ale.loadROM(self._rom)
        if self._view is not None and not self._is_loaded:
            self._newer, self._older = self._view.buffer(self.ale), self._view.buffer(self.ale)
            self._read_screen = self._view.reader(self.ale)
        self._is_loaded = True

    def _start_game(self) -> None:
        self.ale.reset_game()
        self._last_action = Action.NOOP

    def _act(self, chosen: Action) -> float:
        """Plays a frame of ``chosen``, or of the last action (``env.repeat_action_probability``).

        The draws are the same as ALE's (``StellaEnvironment::act``): from a Mersenne Twister with
        its seed, two per frame, the first for the first player.
        """
        draw, _ = self._draws.random_raw(2)
        if draw >= self._env.repeat_action_probability * 2**32:
            self._last_action = chosen
        return float(self.ale.act(self._last_action))

    def _play_start(self) -> int:
        """Plays the start sequence before the first decision; returns its frames."""
        start: list[Action] = []
        if self._env.noop_max:
            start += [Action.NOOP] * int(self.np_random.integers(1, self._env.noop_max + 1))
        # Moves and FIRE last one step each: a game may miss a single frame of them.
        if self._env.start_moves_max and self._moves:
            count = self.np_random.integers(0, self._env.start_moves_max + 1)
            for move in self.np_random.integers(len(self._moves), size=count):
                start += [self._moves[move]] * max(self._skips)
        if self._fires:
            start += [Action.FIRE] * max(self._skips)
        for action in start:
            self._act(action)
            if self.ale.game_over():
                self._start_game()
        return len(start)

    def _play(self, chosen: Action, skip: int) -> tuple[float, int]:
        """Plays ``skip`` frames, fewer if the game ends; returns points and frames."""
        ale = self.ale
        points, frames, over = 0.0, 0, False
        while frames < skip and not over:
            points += self._act(chosen)
            frames += 1
            over = ale.game_over()
            if self._view is not None and (over or frames > skip - self._view.frames_read):
                self._newer, self._older = self._older, self._newer
                self._read_screen(self._newer)
        return points, frames

    def step(self, action: int) -> tuple[Observation, float, bool, bool, dict[str, Any]]:
        """Plays ``action`` for ``env.frame_skip`` frames, fewer if the game ends.

        If a life is lost and ``env.fire_at_start`` is set, FIRE follows in the same step.

        Returns:
            Observation, points, terminated (game over, or a time limit with
            ``env.truncation_is_terminal``), truncated (otherwise by ``env.max_frames`` or
            ``env.max_steps``), info.
        """
        ale, env = self.ale, self._env
        skip = self._skips[0]
        if len(self._skips) > 1:
            skip = self._skips[self.np_random.integers(len(self._skips))]
        points, frames = self._play(self.actions[action], skip)
        lost = ale.lives() < self._lives
        if lost and self._fires and not ale.game_over():
            more_points, more_frames = self._play(Action.FIRE, max(self._skips))
            points, frames = points + more_points, frames + more_frames
        self._lives = ale.lives()
        self._episode_return += points
        self._episode_length += 1
        over = ale.game_over()
        cut = over and ale.game_truncated()
        if not over and self._episode_length == env.max_steps:
            over = cut = True
        info: dict[str, Any] = {
            "lives": self._lives,
            "life_lost": env.terminal_on_life_loss and lost and not over,
            "extra_reward": lost * env.life_loss_reward + cut * env.truncation_reward,
            "frames": frames,
        }
        if over:
            info["episode_return"] = self._episode_return
            info["episode_length"] = self._episode_length
        observation = self.observe(pools=skip > 1)
        if over and self._obs.zero_terminal_observation:
            observation = np.zeros_like(observation)
        truncated = cut and not env.truncation_is_terminal
        return observation, points, over and not truncated, truncated, info

    def observe(self, *, pools: bool = False) -> Observation:
        """The current observation, with bytes written since the last step.

        Args:
            pools: Whether both screen buffers belong to this step.
        """
        if self._view is None:
            ram = np.asarray(self.ale.getRAM(), np.uint8)
            return ram if self._bytes is None else ram[self._bytes]
        screen = self._view.observed(self._newer, self._older if pools else None)
        if not self._is_both:
            return screen
        return np.concatenate([np.asarray(self.ale.getRAM(), np.uint8), screen.ravel()])

    def render(self) -> Any:
        """Returns the screen as (210, 160, 3) uint8 RGB."""
        return self.ale.getScreenRGB()

    def get_state(self) -> dict[str, Any]:
        """Returns the complete state of the game, as plain types and arrays."""
        return {
            "emulator": emulator_state.save(self.ale),
            "generator": self.np_random.bit_generator.state,
            "draws": self._draws.state,
            "last_action": self._last_action.value,
            # Pooled with the next frame if that is the game's last.
            "screen": None if self._view is None else self._newer.copy(),
            "lives": self._lives,
            "episode_return": self._episode_return,
            "episode_length": self._episode_length,
        }

    def set_state(self, state: dict[str, Any]) -> None:
        """Restores the state returned by ``get_state``; the next step observes it."""
        if not self._is_loaded:
            self._load()
        emulator_state.restore(self.ale, state["emulator"])
        self.np_random.bit_generator.state = state["generator"]
        self._draws.state = state["draws"]
        self._last_action = Action(state["last_action"])
        if state["screen"] is not None:
            self._newer[:] = state["screen"]
        self._lives = state["lives"]
        self._episode_return = state["episode_return"]
        self._episode_length = state["episode_length"]
