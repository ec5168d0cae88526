"""A trained network, as its run directory holds it, ready to play."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from runner.config.schema import Config
from runner.run_directory import RunDirectory

if TYPE_CHECKING:
    from runner.evaluation import QFunction


class Trained(NamedTuple):
    """What plays, and by which settings."""

    directory: RunDirectory
    weights: Path
    config: Config
    q_values: QFunction


def load_trained(run: Path, episodes: int | None, epsilon: float | None, seed: int) -> Trained:
    """Loads a run's network; all settings but the arguments are the run's own.

    Args:
        run: A run directory (its final or newest weights), or one of its weights files.
        episodes: Games; None: as the run says.
        epsilon: Probability of a random action; None: as the run says.
        seed: Of the games and the random actions.

    Raises:
        UserError: Something does not exist or does not fit.
    """
    from runner.config import checks, compose
    from runner.environments.atari import AtariGame

    compose.register()
    directory, weights = RunDirectory.find(run)
    config = directory.read_config()
    evaluation = dataclasses.replace(
        config.eval,
        episodes=config.eval.episodes if episodes is None else episodes,
        epsilon=config.eval.epsilon if epsilon is None else epsilon,
    )
    config = dataclasses.replace(config, eval=evaluation, init_weights=str(weights), seed=seed)
    checks.check(config)
    game = AtariGame(config.env, config.obs)

    from runner import tensorflow_setup

    tensorflow_setup.set_up(seed)
    from runner.agent.build import make_model
    from runner.agent.dqn import has_no_convolution, q_function

    assert game.observation_space.shape is not None
    model = make_model(config, game.observation_space.shape, len(game.actions))
    return Trained(directory, weights, config, q_function(model, has_no_convolution(model)))
