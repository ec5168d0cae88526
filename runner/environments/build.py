"""Builds the environments of a run, as its replay memory requires."""

from __future__ import annotations

from runner.environments.atari import AtariGame
from runner.environments.pool import EmulatorPool, game_seeds
from runner.environments.single import SingleGame
from runner.settings.checks import num_envs
from runner.settings.schema import Config

Games = EmulatorPool | SingleGame


def make_games(config: Config) -> Games:
    """Starts the emulators. Imports no TensorFlow, so that both load in parallel."""
    if config.memory.name == "sequential":  # it requires the order of a single environment
        return SingleGame(AtariGame(config.env, config.obs), game_seeds(config.seed, 1)[0])
    count = num_envs(config)
    # Emulators of other groups run while one group acts. Four groups keep every process busy, but a
    # group of fewer than eight environments makes calls too small.
    groups = 4 if count >= 32 else min(2, count)
    return EmulatorPool(config.env, config.obs, count, groups=groups)


def start(config: Config, games: Games) -> None:
    """Waits until the emulators are loaded, showing progress, and starts every game."""
    if isinstance(games, EmulatorPool):  # keras-rl2's loop starts a single game
        games.reset(seed=game_seeds(config.seed, games.num_envs))
