"""Builds the environments of a run, as its replay memory requires."""

from __future__ import annotations

from runner.environments.atari import AtariGame
from runner.environments.pool import EmulatorPool, game_seeds
from runner.environments.single import SingleGame
from runner.settings.checks import num_envs
from runner.settings.schema import Config

Games = EmulatorPool | SingleGame


def _many(config: Config) -> EmulatorPool:
    count = num_envs(config)
    # The emulators of some groups are busy while another acts. Four keep every process at work, but
    # a group of less than eight games makes calls too small.
    groups = 4 if count >= 32 else min(2, count)
    return EmulatorPool(config.env, config.obs, count, groups=groups)


def _one(config: Config) -> SingleGame:
    return SingleGame(AtariGame(config.env, config.obs), game_seeds(config.seed, 1)[0])


def make_games(config: Config) -> Games:
    """Starts the emulators. Imports no TensorFlow: they load while it does."""
    # keras-rl2's own memory keeps the order of a single game.
    return (_one if config.memory.name == "sequential" else _many)(config)


def start(config: Config, games: Games) -> None:
    """Waits until the emulators are loaded, saying how far they are, and starts every game."""
    if isinstance(games, EmulatorPool):  # keras-rl2's loop starts its single one
        games.reset(seed=game_seeds(config.seed, games.num_envs))
