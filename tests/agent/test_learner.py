"""One update, compared with its formula in NumPy."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from toys import small_network

from models.conv import conv_network
from runner.agent.learner import Learner, compiled
from runner.agent.targets import Munchausen
from runner.keras_rl2 import clone_model
from runner.memory.batch import Batch

LEARNING_RATE = 0.5


class OneCell:
    """Two cells as one-hot vectors: the network's weights are its Q-values."""

    SHAPE = (2,)
    NB_ACTIONS = 3


ONLINE = np.array([[1.0, 2.0, 4.0], [3.0, 1.0, 2.0]], np.float32)  # (cell, action)
TARGET = np.array([[9.0, 9.0, 9.0], [5.0, 8.0, 6.0]], np.float32)
GAMMA = 0.5


def learner(networks: Any = None, **settings: object) -> Learner:
    if networks is None:
        networks = [small_network(OneCell), small_network(OneCell)]
        for network, q_values in zip(networks, (ONLINE, TARGET), strict=True):
            network.set_weights([q_values])
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
        # terminal, no bootstrap: 1 against 4
        (False, np.inf, 2, 1.0, True, -3.0, 4.5, -3.0),
        (True, np.inf, 2, 1.0, True, -3.0, 4.5, -3.0),
        # Huber: linear beyond the clip, quadratic below, continuous in value and slope
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
    losses, mean_q, _ = learns.update(transitions([action], [reward], [terminal]), NO_SYNC)
    np.testing.assert_allclose(losses, [loss], rtol=1e-6)
    np.testing.assert_allclose(mean_q, [4.0], rtol=1e-6)
    expected = ONLINE.copy()
    expected[0, action] += LEARNING_RATE * slope
    np.testing.assert_allclose(learns.model.get_weights()[0], expected, rtol=1e-6)
    np.testing.assert_array_equal(learns.target_model.get_weights()[0], TARGET)


@pytest.mark.parametrize(
    ("policy", "double", "parameter", "probabilities"),
    [
        # from the target network's Q(1, .) = 5, 8, 6; with double from the online network's 3, 1, 2
        ("eps_greedy", False, 0.3, [0.1, 0.8, 0.1]),
        ("eps_greedy", True, 0.3, [0.8, 0.1, 0.1]),
        ("softmax", False, 2.0, np.exp([2.5, 4.0, 3.0]) / np.exp([2.5, 4.0, 3.0]).sum()),
        ("softmax", True, 1.0, np.exp([3.0, 1.0, 2.0]) / np.exp([3.0, 1.0, 2.0]).sum()),
    ],
)
def test_expected_sarsa(
    policy: str, double: bool, parameter: float, probabilities: list[float]
) -> None:
    """van Seijen et al. 2009: r + gamma sum_a pi(a|s') Q(s', a), Q of the target network."""
    learns = learner(policy=policy, double=double)
    learns.update(transitions([2], [1.0], [False]), NO_SYNC, parameter)
    target = 1.0 + GAMMA * np.dot(probabilities, TARGET[1])
    moved = learns.model.get_weights()[0][0, 2]
    np.testing.assert_allclose(moved, 4.0 + LEARNING_RATE * (target - 4.0), rtol=1e-5)


def test_without_a_target_network() -> None:
    """Targets come from the online network after the previous update."""
    network = small_network(OneCell)
    network.set_weights([ONLINE])
    learns = learner(networks=(network, network))
    q = ONLINE.copy()
    for _ in range(3):
        # Action 2 leads from cell 0 to cell 1, where the online network's maximum is 3.
        losses, *_ = learns.update(transitions([2], [1.0], [False]), np.array([True, True]))
        error = 1.0 + GAMMA * 3.0 - q[0, 2]
        np.testing.assert_allclose(losses, [0.5 * error**2], rtol=1e-6)
        q[0, 2] += LEARNING_RATE * error
        np.testing.assert_allclose(network.get_weights()[0], q, rtol=1e-6)


@pytest.mark.parametrize("target_network", [True, False])
def test_munchausen(target_network: bool) -> None:
    """Vieillard et al. 2020, equation 2, with one network throughout."""
    alpha, tau, floor = 0.9, 0.7, -1.0
    learns = learner(munchausen=Munchausen(alpha, tau, floor))
    if not target_network:
        same = [learns.model, learns.model]
        learns = learner(same, munchausen=Munchausen(alpha, tau, floor))
    online = ONLINE.copy()
    for _ in range(2):
        learns.update(transitions([1], [1.0], [False]), NO_SYNC)
        q = TARGET if target_network else online
        log_pi = q / tau - np.log(np.exp(q / tau).sum(axis=1, keepdims=True))
        soft_value = (np.exp(log_pi[1]) * (q[1] - tau * log_pi[1])).sum()
        target = 1.0 + alpha * max(tau * log_pi[0, 1], floor) + GAMMA * soft_value
        online[0, 1] += LEARNING_RATE * (target - online[0, 1])
        np.testing.assert_allclose(learns.model.get_weights()[0], online, rtol=1e-5)


def test_a_batch_is_averaged() -> None:
    learns = learner()
    batch = transitions([2, 2, 0, 1], [1.0, 1.0, 5.0, 2.0], [False, True, True, True])
    errors = np.array([1.0, -3.0, 4.0, 0.0])
    losses, *_ = learns.update(batch, NO_SYNC)
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
def test_hard_sync_is_due_at_intervals(syncs: list[bool], target_is: str) -> None:
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
    """The fused kernel updates the weights like Keras's optimizer."""
    fused, plain = (
        Learner(
            *[keras.models.clone_model(network)] * 2,
            optimizer,
            gamma=GAMMA, double=False, delta_clip=1.0, soft_update=0.0, jit_compile=jit_compile,
        )
        for network in [small_network(OneCell)]
        for optimizer in (
            keras.optimizers.Adam(0.1, beta_1=0.8, beta_2=0.9, epsilon=1e-3),
            # The norm for clipping is never reached: Keras's own optimizer gives the same numbers.
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


def test_convolutions_learn_the_same_with_and_without_xla() -> None:
    """XLA runs updates of convolutions one at a time, oneDNN several per call."""
    generator = np.random.default_rng(0)
    windows = generator.integers(256, size=(3, 8, 3, 12, 12), dtype=np.uint8)
    actions = generator.integers(2, size=(3, 8), dtype=np.int32)
    rewards = generator.normal(size=(3, 8)).astype(np.float32)
    batches = Batch(windows, actions, rewards, np.zeros((3, 8), np.bool_))
    syncs = np.array([False, False, True, False])
    networks = [
        conv_network(
            (2, 12, 12), 2, filters=[4], kernels=[4], strides=[4], hidden=[8], activation="relu",
            scale=1 / 255,
        )
        for _ in range(2)
    ]  # fmt: skip
    start = [network.get_weights() for network in networks]
    results = []
    for jit_compile in (True, False):
        for network, weights in zip(networks, start, strict=True):
            network.set_weights(weights)
        learns = learner(networks, jit_compile=jit_compile, double=True)
        losses = learns.update(batches, syncs).losses
        results.append([losses, *learns.model.get_weights(), *learns.target_model.get_weights()])
    for with_xla, without in zip(*results, strict=True):
        np.testing.assert_allclose(with_xla, without, rtol=1e-4, atol=1e-6)


def test_target_network_starts_as_a_copy() -> None:
    network = small_network(OneCell, start="glorot_uniform")
    copy = clone_model(network)
    assert copy is not network
    for a, b in zip(network.get_weights(), copy.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


class Unused(keras.layers.Layer):
    """A layer of a user's network, with a weight that has no effect."""

    def build(self, input_shape: Any) -> None:
        self.unused = self.add_weight(shape=(3,), initializer="ones")

    def call(self, inputs: Any) -> Any:
        return inputs


@pytest.mark.parametrize("jit_compile", [False, True])
def test_a_weight_without_effect_stays(jit_compile: bool) -> None:
    inputs = keras.Input((1, *OneCell.SHAPE), dtype="uint8")
    features = Unused()(keras.layers.Flatten()(keras.layers.Rescaling(1.0)(inputs)))
    model = keras.Model(inputs, keras.layers.Dense(OneCell.NB_ACTIONS)(features))
    before = model.get_weights()
    learns = Learner(
        model, clone_model(model), keras.optimizers.Adam(0.1),
        gamma=GAMMA, double=False, delta_clip=np.inf, soft_update=0.0, jit_compile=jit_compile,
    )  # fmt: skip
    learns.update(transitions([2], [7.0], [False]), NO_SYNC)
    unused, kernel, _ = model.get_weights()
    np.testing.assert_array_equal(unused, before[0])
    assert not np.array_equal(kernel, before[1])


def test_a_compiled_function_takes_arrays_of_any_type_in_turn() -> None:
    doubled = compiled(lambda x: 2.0 * tf.cast(x, tf.float32), jit_compile=False)
    for dtype in (np.uint8, np.float64, np.uint8):
        np.testing.assert_array_equal(doubled(np.array([1, 5], dtype)), [2.0, 10.0])
