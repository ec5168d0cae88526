"""One update, against its formula written out in NumPy."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from toys import small_network

from runner.agent.learner import Learner
from runner.keras_rl2 import clone_model
from runner.memory.batch import Batch

LEARNING_RATE = 0.5


class OneCell:
    """Two cells, seen as one-hot vectors: the network's weights are its Q-values."""

    SHAPE = (2,)
    NB_ACTIONS = 3


ONLINE = np.array([[1.0, 2.0, 4.0], [3.0, 1.0, 2.0]], np.float32)  # (cell, action)
TARGET = np.array([[9.0, 9.0, 9.0], [5.0, 8.0, 6.0]], np.float32)
GAMMA = 0.5


def learner(**settings: object) -> Learner:
    networks = []
    for q_values in (ONLINE, TARGET):
        networks.append(small_network(OneCell))
        networks[-1].set_weights([q_values])
    arguments = {"gamma": GAMMA, "double": False, "delta_clip": np.inf, "soft_update": 0.0}
    return Learner(
        *networks,
        keras.optimizers.SGD(LEARNING_RATE),
        **{**arguments, "jit_compile": False, **settings},
    )


def transitions(actions: list[int], rewards: list[float], terminals: list[bool]) -> Batch:
    """From cell 0 to cell 1."""
    windows = np.tile(np.eye(2, dtype=np.uint8), (1, len(actions), 1, 1))
    return Batch(
        windows,
        np.array([actions], np.int32),
        np.array([rewards], np.float32),
        np.array([terminals]),
    )


NO_SYNC = np.zeros(2, np.bool_)


@pytest.mark.parametrize(
    ("double", "clip", "action", "reward", "terminal", "error", "loss", "slope"),
    [
        # target network's best: 1 + 0.5 * 8 = 5 against Q(0, 2) = 4
        (False, np.inf, 2, 1.0, False, 1.0, 0.5, 1.0),
        # online network's best action is 0, worth 5: 1 + 0.5 * 5 = 3.5
        (True, np.inf, 2, 1.0, False, -0.5, 0.125, -0.5),
        # nothing follows a terminal: 1 against 4
        (False, np.inf, 2, 1.0, True, -3.0, 4.5, -3.0),
        (True, np.inf, 2, 1.0, True, -3.0, 4.5, -3.0),
        # Huber: linear beyond the clip, squared below, the same value and slope at it
        (False, 1.0, 2, 1.0, True, -3.0, 2.5, -1.0),
        (False, 2.0, 0, 5.0, True, 4.0, 6.0, 2.0),
        (False, 1.0, 2, 1.0, False, 1.0, 0.5, 1.0),
        (False, 1.0, 2, 0.5, False, 0.5, 0.125, 0.5),
    ],
)
def test_one_transition(
    double: bool,
    clip: float,
    action: int,
    reward: float,
    terminal: bool,
    error: float,
    loss: float,
    slope: float,
) -> None:
    learns = learner(double=double, delta_clip=clip)
    losses, mean_q = learns.update(transitions([action], [reward], [terminal]), NO_SYNC)
    np.testing.assert_allclose(losses, [loss], rtol=1e-6)
    np.testing.assert_allclose(mean_q, [4.0], rtol=1e-6)
    expected = ONLINE.copy()
    expected[0, action] += LEARNING_RATE * slope
    np.testing.assert_allclose(learns.model.get_weights()[0], expected, rtol=1e-6)
    np.testing.assert_array_equal(learns.target_model.get_weights()[0], TARGET)


def test_a_batch_is_averaged() -> None:
    learns = learner()
    batch = transitions([2, 2, 0, 1], [1.0, 1.0, 5.0, 2.0], [False, True, True, True])
    errors = np.array([1.0, -3.0, 4.0, 0.0])
    losses, _ = learns.update(batch, NO_SYNC)
    np.testing.assert_allclose(losses, [np.mean(0.5 * errors**2)], rtol=1e-6)
    moved = learns.model.get_weights()[0][0] - ONLINE[0]
    np.testing.assert_allclose(moved, LEARNING_RATE / 4 * np.array([4.0, 0.0, -2.0]), rtol=1e-6)


def test_soft_update_follows_after_every_update() -> None:
    rate = 0.1
    learns = learner(soft_update=rate)
    target = TARGET
    for _ in range(3):
        learns.update(transitions([2], [1.0], [False]), NO_SYNC)
        target = (1 - rate) * target + rate * learns.model.get_weights()[0]
        np.testing.assert_allclose(learns.target_model.get_weights()[0], target, rtol=1e-6)


@pytest.mark.parametrize(
    ("syncs", "target_is"),
    [
        ([False, False, False], "as before"),
        ([True, False, False], "before the first update"),
        ([False, True, False], "between the updates"),
        ([False, False, True], "after the last update"),
        ([True, True, True], "after the last update"),
    ],
)
def test_hard_sync_happens_where_it_is_due(syncs: list[bool], target_is: str) -> None:
    one = transitions([2], [1.0], [True])
    weights = {"as before": TARGET, "before the first update": ONLINE}
    alone = learner()
    for moment in ("between the updates", "after the last update"):
        alone.update(one, NO_SYNC)
        weights[moment] = alone.model.get_weights()[0]
    learns = learner()
    twice = Batch(*(np.concatenate([part, part]) for part in one[:4]))
    learns.update(twice, np.array(syncs))
    np.testing.assert_allclose(learns.target_model.get_weights()[0], weights[target_is], rtol=1e-6)


@pytest.mark.parametrize("jit_compile", [True, False])
def test_adam_is_keras_adam(jit_compile: bool) -> None:
    """The fused kernel moves the weights as Keras's own optimizer does."""
    fused, plain = (
        Learner(
            *[keras.models.clone_model(network)] * 2,
            optimizer,
            gamma=GAMMA, double=False, delta_clip=1.0, soft_update=0.0, jit_compile=jit_compile,
        )
        for network in [small_network(OneCell)]
        for optimizer in (
            keras.optimizers.Adam(0.1, beta_1=0.8, beta_2=0.9, epsilon=1e-3),
            # Clipped at a norm that is never reached: the same numbers, by Keras's own way.
            keras.optimizers.Adam(0.1, beta_1=0.8, beta_2=0.9, epsilon=1e-3, clipnorm=1e9),
        )
    )  # fmt: skip
    for _ in range(5):
        for learns in (fused, plain):
            learns.update(transitions([0, 1], [3.0, -1.0], [True, True]), NO_SYNC)
    for a, b in zip(fused.model.get_weights(), plain.model.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5)
    for a, b in zip(fused.optimizer.variables, plain.optimizer.variables, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5)


def test_target_network_starts_as_a_copy() -> None:
    network = small_network(OneCell, start="glorot_uniform")
    copy = clone_model(network)
    assert copy is not network
    for a, b in zip(network.get_weights(), copy.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
