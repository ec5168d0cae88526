"""Trains like ``runner.training``, with one additional callback.

There are no checkpoints and no evaluation; the metrics file and the progress line are written as
usual, to a temporary folder.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from benchmarks.sides.fill import fill
from runner.environments.build import make_games
from runner.environments.pool import EmulatorPool, game_seeds
from runner.settings import checks, compose


def train(overrides: Sequence[str], make_watch: Callable[[], Any], full: bool = False) -> Any:
    """Trains until ``train.steps``.

    Args:
        overrides: Overrides as for ``python -m runner``.
        make_watch: Creates the callback, after TensorFlow is loaded.
        full: Start with a full replay memory.

    Returns:
        The callback.
    """
    config = compose.load(overrides)
    games = make_games(config)
    try:
        from runner import tensorflow_setup

        tensorflow_setup.set_up(config.seed, checks.threads(config))
        from runner.agent.build import build_agent
        from runner.callbacks.games import Story
        from runner.callbacks.metrics import MetricsFile
        from runner.callbacks.progress import Progress

        agent = build_agent(config, games)
        if full:
            fill(agent.memory)
        watch = make_watch()
        if isinstance(games, EmulatorPool):
            games.reset(seed=game_seeds(config.seed, games.num_envs))
        with tempfile.TemporaryDirectory() as folder:
            files = Path(folder)
            with (files / "progress.txt").open("w") as lines:
                story = Story()
                callbacks = [
                    story,
                    MetricsFile(files / "metrics.csv", story),
                    Progress(config.train.steps, config.logger.interval, story, stream=lines),
                    watch,
                ]
                agent.fit(games, config.train.steps, callbacks=callbacks, verbose=0)
        return watch
    finally:
        games.close()
