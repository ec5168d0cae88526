"""Every agent switch learns a game with known optimal play; all switches combine."""

from __future__ import annotations

import dataclasses
import functools
import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from marks import slow_but
from numpy.typing import NDArray
from toys import Arcade, Corridor, OldGym, compiled_agent, small_network

from models.heads import Head, with_head
from runner.agent.build import make_agent, make_memory, make_model
from runner.agent.targets import Munchausen
from runner.keras_rl2 import EpsGreedyQPolicy, GreedyQPolicy
from runner.memory.priorities import Prioritization
from runner.memory.replay import ReplayMemory
from runner.policies.build import make_policy
from runner.policies.rules import EpsZGreedyQPolicy, SoftmaxQPolicy
from runner.settings import compose
from runner.settings.checks import check
from runner.settings.memory import PrioritizedMemory
from runner.settings.schema import Config

GAMMA = 0.9
MUNCHAUSEN = Munchausen(alpha=0.9, tau=0.03, floor=-1.0)
EPSILON, TAU = 0.4, 0.1
OPTIMAL = Corridor.optimal_q_values(GAMMA)
# Rewards are 0 or 1: returns lie between 0 and 1.
C51 = Head(distribution="c51", atoms=21, v_min=0.0, v_max=1.0)


def agent_with(
    head: Head | None = None,
    *,
    n_step: int = 1,
    prioritized: bool = False,
    **settings: Any,
) -> Any:
    hidden = small_network(hidden=[16], start="glorot_uniform")
    priorities = Prioritization(alpha=0.6, beta_start=0.4, beta_steps=1000, epsilon=1e-6)
    memory = ReplayMemory(
        6000, 1, Corridor.SHAPE, streams=4, seed=0, n_step=n_step, gamma=GAMMA,
        prioritization=priorities if prioritized else None,
    )  # fmt: skip
    # Without hidden layers the network is a table.
    network = {} if head is None else {"model": with_head(hidden, head), "learning_rate": 0.01}
    return compiled_agent(memory=memory, **network, **{"gamma": GAMMA, **settings})


def trained(agent: Any, nb_steps: int) -> Any:
    # Frequent truncation: treating it as terminal would give values that are too low. N-step
    # returns follow the actions played: no truncation here, so that their mean is computable.
    limit = 4 if agent.memory.n_step == 1 else 0
    agent.fit(Arcade([Corridor(first_cell=i, limit=limit) for i in range(4)]), nb_steps, verbose=0)
    return agent


def fixed_point(value: Any, bonus: Any = lambda q: 0.0) -> NDArray[np.float64]:
    """(cells - 1, 2): Q = r + bonus(Q) + gamma value(Q') of the corridor, iterated."""
    q = np.zeros(OPTIMAL.shape)
    for _ in range(2000):
        q = bonus(q) + after(np.append(value(q), 0.0))  # the last cell is terminal
    return q


def after(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """(cells - 1, 2): r + gamma V(s'), ``values`` (cells,)."""
    cells = len(OPTIMAL)
    following = np.clip(np.arange(cells)[:, None] + [-1, 1], 0, cells)
    return (following == cells) + GAMMA * values[following]


def of_random_play(q: NDArray[np.float64], steps: int) -> NDArray[np.float64]:
    """(cells,): values of ``steps`` random steps followed by optimal actions."""
    if steps == 0:
        return np.append(q.max(axis=1), 0.0)
    return np.append(after(of_random_play(q, steps - 1)).mean(axis=1), 0.0)


def softmax(q: NDArray[np.float64], tau: float) -> NDArray[np.float64]:
    exponentials = np.exp((q - q.max(axis=1, keepdims=True)) / tau)
    return exponentials / exponentials.sum(axis=1, keepdims=True)


def under_softmax(q: NDArray[np.float64]) -> NDArray[np.float64]:
    return (softmax(q, TAU) * q).sum(axis=1)


def under_eps_greedy(q: NDArray[np.float64]) -> NDArray[np.float64]:
    return (1 - EPSILON) * q.max(axis=1) + EPSILON * q.mean(axis=1)


def munchausen_bonus(q: NDArray[np.float64]) -> NDArray[np.float64]:
    scaled = MUNCHAUSEN.tau * np.log(softmax(q, MUNCHAUSEN.tau))
    return MUNCHAUSEN.alpha * np.clip(scaled, MUNCHAUSEN.floor, 0.0)


def munchausen_value(q: NDArray[np.float64]) -> NDArray[np.float64]:
    pi = softmax(q, MUNCHAUSEN.tau)
    return (pi * (q - MUNCHAUSEN.tau * np.log(pi))).sum(axis=1)


THREE_STEPS = fixed_point(lambda q: of_random_play(q, 2)[:-1])
# Settings, expected Q-values, and steps if not 1,000.
SWITCHES: dict[str, tuple[Any, ...]] = {
    "no target network": ({"target_model_update": 0}, OPTIMAL, 3000),
    "two streams": ({"head": Head("streams", stream_units=8)}, OPTIMAL),
    "n-step, random play": (
        {
            "n_step": 3,
            "policy": EpsGreedyQPolicy(1.0),
            "batch_size": 32,
            "learning_rate": 0.01,
        },
        THREE_STEPS,
        2000,
    ),
    "prioritised": ({"prioritized": True}, OPTIMAL),
    "C51": ({"head": C51}, OPTIMAL),
    "QR-DQN": ({"head": Head(distribution="qr", atoms=8), "delta_clip": 1.0}, OPTIMAL),
    "IQN": ({"head": Head(distribution="iqn", atoms=8), "delta_clip": 1.0}, OPTIMAL),
    "noisy": ({"head": Head(noisy_sigma=0.5), "policy": GreedyQPolicy()}, OPTIMAL, 1500),
    "expected SARSA, epsilon-greedy": (
        {"expected_sarsa": True, "policy": EpsGreedyQPolicy(EPSILON)},
        fixed_point(under_eps_greedy),
    ),
    "expected SARSA, softmax": (
        {"expected_sarsa": True, "policy": SoftmaxQPolicy(TAU)},
        fixed_point(under_softmax),
    ),
    "random actions that last": ({"policy": EpsZGreedyQPolicy(4, max_action_repeat=3)}, OPTIMAL),
    "games that explore differently": (
        {"policy": EpsZGreedyQPolicy(4, max_action_repeat=3, epsilon_spread=2.0, repeat_share=0.5)},
        OPTIMAL,
    ),
    "Munchausen": (
        {"munchausen": MUNCHAUSEN},
        fixed_point(munchausen_value, munchausen_bonus),
    ),
}


QUICK = {
    "prioritised", "QR-DQN", "expected SARSA, softmax", "Munchausen",
}  # fmt: skip


@pytest.mark.parametrize("switch", slow_but(QUICK, SWITCHES))
def test_corridor_is_learned(switch: str) -> None:
    keras.utils.set_random_seed(1)
    settings, expected, *steps = SWITCHES[switch]
    agent = trained(agent_with(**settings), *(steps or [1000]))
    q_values = agent.compute_batch_q_values(list(Corridor.states()))
    np.testing.assert_allclose(q_values, expected, atol=0.05)


@pytest.mark.slow
def test_the_averaged_weights_learn_the_corridor() -> None:
    keras.utils.set_random_seed(1)
    agent = agent_with()
    agent.compile(keras.optimizers.SGD(1.0, use_ema=True, ema_momentum=0.9))
    trained(agent, 1500)
    q_values = agent.update_played_model()(np.array(Corridor.states()))
    np.testing.assert_allclose(q_values, OPTIMAL, atol=0.05)
    played = agent.test(
        OldGym(Corridor()), nb_episodes=4, nb_max_episode_steps=10, visualize=False, verbose=0
    )
    assert played.history["nb_steps"] == [4, 3, 2, 1]  # the minimum
    assert played.history["episode_reward"] == [1.0] * 4


# --- combinations ---------------------------------------------------------------------------------

CHOICES: dict[str, list[Any]] = {
    "dueling": ["none", "avg", "streams"],
    "distribution": ["none", "c51", "qr", "iqn"],
    "target": ["double", "expected_sarsa", "munchausen"],
    "target_update": [10, 0.1, 0],
    "n_step": [1, 3],
    "noisy_sigma": [0.0, 0.5],
    "layer_norm": [False, True],
    "prioritized": [False, True],
    "gradient_clip": [np.inf, 0.5],
}


def pairwise(choices: dict[str, list[Any]]) -> Iterator[dict[str, Any]]:
    """Pairwise combinations: every pair of values of two settings occurs together."""
    names = list(choices)
    missing = {
        frozenset([(a, x), (b, y)])
        for a, b in itertools.combinations(names, 2)
        for x in range(len(choices[a]))
        for y in range(len(choices[b]))
    }
    while missing:
        row = dict(min(missing, key=sorted))
        for name in names:
            if name not in row:
                row[name] = max(
                    range(len(choices[name])),
                    key=lambda i: sum(
                        frozenset([(name, i), other]) in missing for other in row.items()
                    ),
                )
        missing -= {frozenset(pair) for pair in itertools.combinations(row.items(), 2)}
        yield {name: choices[name][row[name]] for name in names}


COMBINATIONS = list(pairwise(CHOICES))


@functools.cache
def small_settings() -> Config:
    return compose.load([
        "agent=dqn",
        "model.hidden=[4,3]", "memory.limit=1000", "train.warmup=100", "env.num_envs=2",
        "agent.batch_size=4",
    ])  # fmt: skip


def settings_of(row: dict[str, Any]) -> Config:
    targets = ("double", "expected_sarsa", "munchausen")
    fields = ("dueling", "distribution", "target_update", "n_step", "noisy_sigma")
    switches = {name: row["target"] == name for name in targets}
    switches |= {name: row[name] for name in (*fields, "gradient_clip")}
    base = small_settings()
    config = dataclasses.replace(
        base,
        agent=dataclasses.replace(base.agent, atoms=5, **switches),
        model=dataclasses.replace(base.model, layer_norm=row["layer_norm"]),
        memory=PrioritizedMemory(limit=1000, beta_steps=100) if row["prioritized"] else base.memory,
    )
    check(config)
    return config


def updated(config: Config, jit_compile: bool = False) -> tuple[Any, Any]:
    """An agent of ``config`` after one update on random transitions, and its metrics."""
    keras.utils.set_random_seed(3)
    memory = make_memory(config, (4,))
    generator = np.random.default_rng(0)
    for _ in range(30):
        ends = generator.random(2) < 0.1
        seen, final = generator.integers(256, size=(2, 2, 4), dtype=np.uint8)
        actions, rewards = generator.integers(3, size=2), generator.normal(size=2)
        memory.append_steps(np.arange(2), seen, actions, rewards, ends, ends, final)
    agent = make_agent(config, make_model(config, (4,), 3), memory, make_policy(config))
    agent.jit_compile = jit_compile
    agent.compile(agent.optimizer)
    agent.training = True
    agent.forward(np.zeros(4, np.uint8))
    return agent, update(agent)


def update(agent: Any) -> list[float]:
    """Runs one update without a sync."""
    step = agent.nb_steps_warmup + 1
    while not agent.is_update_due(step) or agent.is_sync_due(step):
        step += 1
    (metrics,) = agent.learn(step, [agent.policy.metrics])
    return metrics


def test_every_pair_of_switches_is_among_the_combinations() -> None:
    pairs = {
        ((a, row[a]), (b, row[b]))
        for row in COMBINATIONS
        for a, b in itertools.combinations(row, 2)
    }
    sizes = [len(choices) for choices in CHOICES.values()]
    assert len(pairs) == sum(a * b for a, b in itertools.combinations(sizes, 2))


@pytest.mark.parametrize(
    "combination",
    [
        *COMBINATIONS[:6],
        *(pytest.param(row, marks=pytest.mark.slow) for row in COMBINATIONS[6:]),
    ],
    ids=lambda row: "-".join(map(str, row.values())),
)
def test_agent_switches_combine(combination: dict[str, Any]) -> None:
    agent, metrics = updated(settings_of(combination))
    assert np.isfinite(metrics).all()
    priorities = agent.memory.priorities
    # Zero, the priority of a new entry, and those of the TD errors.
    assert (priorities is not None and len(np.unique(priorities.weights)) > 2) == combination[
        "prioritized"
    ]
    assert all(np.isfinite(weight).all() for weight in agent.model.get_weights())
    q_values = agent.compute_batch_q_values(np.zeros((5, 3, 4), np.uint8))
    assert q_values.shape == (5, 3)


def test_the_averaged_weights_are_saved(tmp_path: Path) -> None:
    """mean_1 = w_1, mean_k = share * mean_(k-1) + (1 - share) * w_k (Polyak and Juditsky 1992)."""
    base = small_settings()
    settings = dataclasses.replace(base.agent, ema_decay=0.75, learning_rate=0.1)
    agent, _ = updated(dataclasses.replace(base, agent=settings), jit_compile=True)
    mean = agent.model.get_weights()
    for _ in range(3):
        update(agent)
        newest = agent.model.get_weights()
        mean = [0.75 * m + 0.25 * w for m, w in zip(mean, newest, strict=True)]
    agent.save_weights(str(tmp_path / "kept.weights.h5"))
    kept = keras.models.clone_model(agent.model)
    kept.load_weights(tmp_path / "kept.weights.h5")
    for found, expected, last in zip(kept.get_weights(), mean, newest, strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)
        assert not np.allclose(found, last)
