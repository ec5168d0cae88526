"""The same seed gives bit-identical weights on the real game, for any timing."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from interference import stopped_in_turn

from runner import tensorflow_setup
from runner.agent.build import build_agent
from runner.environments.pool import EmulatorPool, game_seeds
from runner.settings import compose

SETTINGS = (
    "env=breakout", "obs=ram", "model.hidden=[16]", "agent.batch_size=8", "memory.limit=500",
    "train.warmup=64", "env.max_frames=200", "agent.target_update=50", "policy.nb_steps=200",
)  # fmt: skip


def weights_of_a_training(num_envs: int, seed: int, xla: bool = False) -> list[Any]:
    settings = [f"env.num_envs={num_envs}", f"seed={seed}", f"agent.jit_compile={xla}"]
    config = compose.load([*SETTINGS, *settings])
    tensorflow_setup.set_up(seed)
    pool = EmulatorPool(config.env, config.obs, num_envs)
    try:
        agent = build_agent(config, pool)
        pool.reset(seed=game_seeds(seed, num_envs))
        agent.fit(pool, 200, verbose=0)
    finally:
        pool.close()
    return agent.model.get_weights()


@pytest.mark.parametrize(
    ("num_envs", "xla"),
    [
        (4, False),
        pytest.param(1, False, marks=pytest.mark.slow),
        pytest.param(4, True, marks=pytest.mark.slow),
    ],
)
def test_the_same_seed_gives_the_same_weights(num_envs: int, xla: bool) -> None:
    first = weights_of_a_training(num_envs, 3, xla)
    with stopped_in_turn() as stops:
        again = weights_of_a_training(num_envs, 3, xla)
    assert stops
    for a, b in zip(first, again, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.slow
def test_another_seed_gives_other_draws() -> None:
    one, other = (weights_of_a_training(1, seed)[-1] for seed in (3, 4))
    assert not np.array_equal(one, other)
