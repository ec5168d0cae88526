"""Every training loop learns a game with known optimal play and Q-values."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
from marks import slow_but
from toys import Arcade, Corridor, OldGym, compiled_agent, small_agent, small_network

from runner.keras_rl2 import DQNAgent

GAMMA = 0.9


def stock_on_one_game() -> Any:
    agent = small_agent(DQNAgent, learning_rate=0.1)
    agent.fit(OldGym(Corridor()), 700, verbose=0)
    return agent


def compiled_on_one_game(**settings: Any) -> Any:
    agent = compiled_agent(**settings)
    agent.fit(OldGym(Corridor()), 2700, verbose=0)
    return agent


def compiled_on_many_games(nb_steps: int = 1500, **settings: Any) -> Any:
    agent = compiled_agent(streams=4, **settings)
    # Frequent truncation: treating it as terminal would give values that are too low.
    games = [Corridor(first_cell=i, limit=4) for i in range(4)]
    agent.fit(Arcade(games), nb_steps, verbose=0)
    return agent


TRAININGS = {
    "stock": stock_on_one_game,
    "compiled, one game": compiled_on_one_game,
    "compiled, one game, ring memory": lambda: compiled_on_one_game(streams=1),
    "compiled, one game, soft target, double": lambda: compiled_on_one_game(
        target_model_update=0.05, enable_double_dqn=True
    ),
    "compiled, many games": compiled_on_many_games,
    "compiled, many games, XLA": lambda: compiled_on_many_games(jit_compile=True),
    "compiled, many games, double, Huber": lambda: compiled_on_many_games(
        enable_double_dqn=True, delta_clip=1.0
    ),
    "compiled, many games, soft target": lambda: compiled_on_many_games(target_model_update=0.05),
    "compiled, many games, dueling": lambda: compiled_on_many_games(
        4000,
        model=small_network(hidden=[16], start="glorot_uniform"),
        enable_dueling_network=True,
        learning_rate=0.005,
    ),
}


QUICK = {
    "compiled, one game, ring memory", "compiled, many games",
    "compiled, many games, double, Huber",
}  # fmt: skip


@pytest.mark.parametrize("training", slow_but(QUICK, TRAININGS))
def test_corridor_is_learned(training: str) -> None:
    keras.utils.set_random_seed(1)
    agent = TRAININGS[training]()
    q_values = agent.compute_batch_q_values(list(Corridor.states()))
    np.testing.assert_allclose(q_values, Corridor.optimal_q_values(GAMMA), atol=0.05)
    played = agent.test(OldGym(Corridor()), nb_episodes=4, visualize=False, verbose=0)
    assert played.history["nb_steps"] == [4, 3, 2, 1]  # the minimum for each start
    assert played.history["episode_reward"] == [1.0] * 4
