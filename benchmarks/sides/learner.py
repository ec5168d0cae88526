"""The learner alone: updates on random transitions, in the shapes of the training loop."""

from __future__ import annotations

import numpy as np

from benchmarks.sides.answer import answer
from benchmarks.sides.repeated import seconds_per_call
from runner.environments.build import make_games
from runner.environments.pool import EmulatorPool
from runner.settings import compose


def measure(overrides: list[str], seconds: float, threads: int | None = None) -> dict[str, float]:
    """Times calls of one turn's updates, on ``threads`` of TensorFlow's threads or all."""
    config = compose.load(overrides)
    games = make_games(config)
    assert isinstance(games, EmulatorPool)
    games.close()
    shape, nb_actions = games.single_observation_space.shape, len(games.action_meanings)
    assert shape is not None
    updates = max(len(games.groups[0]) // config.agent.train_interval, 1)
    from runner import tensorflow_setup

    tensorflow_setup.set_up(config.seed)
    import tensorflow as tf

    if threads is not None:
        tf.config.threading.set_intra_op_parallelism_threads(threads)
    from runner.agent.build import build_agent
    from runner.memory.batch import Batch

    agent = build_agent(config, games)
    generator = np.random.default_rng(0)
    each, n_step = (updates, config.agent.batch_size), config.agent.n_step
    frames = config.obs.window + 1 if n_step == 1 else 2 * config.obs.window
    batches = Batch(
        generator.integers(256, size=(*each, frames, *shape), dtype=np.uint8),
        generator.integers(nb_actions, size=each, dtype=np.int32),
        generator.random(each, np.float32),
        generator.random(each) < 0.01,
        None if n_step == 1 else np.full(each, n_step),
    )
    syncs = np.zeros(updates + 1, np.bool_)
    spent = seconds_per_call(lambda: agent.learner.update(batches, syncs), seconds)
    return {"ms_per_update": 1000 * spent / updates, "updates_per_call": updates}


if __name__ == "__main__":
    answer(measure)
