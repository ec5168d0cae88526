"""Noisy layers and random draws: the paper's formula, and draws independent of timing."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf
from toys import Corridor, compiled_agent, small_network

from models.draws import drawing_from
from models.heads import Head, with_head
from models.noisy import NoisyDense
from runner.agent.draws import StatelessDraws


class GivenDraws:
    """Returns given values."""

    def __init__(self, per_row: bool, *arrays: np.ndarray) -> None:
        self.per_row, self.fractions, self._arrays = per_row, None, list(arrays)

    def normal(self, shape: list[int]) -> np.ndarray:
        array = self._arrays.pop(0)
        assert [int(n) for n in shape] == list(array.shape)
        return array


def signed_root(x: np.ndarray) -> np.ndarray:
    return np.sign(x) * np.sqrt(np.abs(x))


@pytest.mark.parametrize("per_row", [False, True])
def test_noisy_layer_is_the_papers(per_row: bool) -> None:
    """Fortunato et al. 2018, equations 9 to 11: y = (mu + sigma * f(in) f(out)^T) x + ..."""
    generator = np.random.default_rng(0)
    layer = NoisyDense(3, sigma=0.4)
    x = generator.normal(size=(5, 4)).astype(np.float32)
    layer(x)
    for weight in layer.weights:
        weight.assign(generator.normal(size=weight.shape))
    mu, bias, sigma, bias_sigma = (np.asarray(weight) for weight in layer.weights)
    rows = 5 if per_row else 1
    into = generator.normal(size=(rows, 4)).astype(np.float32)
    out = generator.normal(size=(rows, 3)).astype(np.float32)
    with drawing_from(GivenDraws(per_row, into, out)):
        noisy = layer(x)
    for i in range(5):
        row = i if per_row else 0
        f_out = signed_root(out[row])
        weights = mu + sigma * np.outer(signed_root(into[row]), f_out)
        expected = x[i] @ weights + bias + bias_sigma * f_out
        np.testing.assert_allclose(noisy[i], expected, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(layer(x), x @ mu + bias, rtol=1e-4, atol=1e-5)


def test_a_noisy_layer_starts_as_in_the_paper() -> None:
    """Section 3.2: mu uniform within 1 / sqrt(p), sigma = sigma_0 / sqrt(p)."""
    layer = NoisyDense(50, sigma=0.5)
    layer.build((None, 100))
    mu, bias, sigma, bias_sigma = (np.asarray(weight) for weight in layer.weights)
    assert 0.09 < np.abs(mu).max() <= 0.1
    assert 0.05 < np.abs(bias).max() <= 0.1
    np.testing.assert_allclose(sigma, 0.05)
    np.testing.assert_allclose(bias_sigma, 0.05)


def drawn(*key: int, number: int = 0) -> np.ndarray:
    return StatelessDraws(key, tf.constant(number), per_row=True).normal([1000]).numpy()


def test_draws_follow_from_key_and_number() -> None:
    np.testing.assert_array_equal(drawn(1, 2, number=3), drawn(1, 2, number=3))
    others = [drawn(1, 2, number=4), drawn(1, 3, number=3), drawn(2, 2, number=3)]
    for other in others:
        assert abs(np.corrcoef(drawn(1, 2, number=3), other)[0, 1]) < 0.2
    draws = StatelessDraws((1, 2), tf.constant(3), per_row=True)
    first, second = draws.normal([1000]).numpy(), draws.normal([1000]).numpy()
    assert abs(np.corrcoef(first, second)[0, 1]) < 0.2
    assert abs(first.mean()) < 0.2
    assert 0.9 < first.std() < 1.1


def test_noise_is_added_in_training_only() -> None:
    agent = compiled_agent(
        model=with_head(small_network(hidden=[8], start="glorot_uniform"), Head(noisy_sigma=0.5)),
        streams=1,
    )
    twice = np.repeat(Corridor.states()[:1], 2, axis=0)
    quiet = agent.batch_q_values(twice)
    np.testing.assert_array_equal(agent.compute_batch_q_values(twice), quiet)
    agent.training, agent.step = True, 5
    noisy = agent.compute_batch_q_values(twice)
    assert not np.array_equal(noisy, quiet)
    assert not np.array_equal(noisy[0], noisy[1])  # each game has its own noise
    np.testing.assert_array_equal(agent.compute_batch_q_values(twice), noisy)
    agent.step = 6
    assert not np.array_equal(agent.compute_batch_q_values(twice), noisy)


def test_cloned_heads_are_identical() -> None:
    for head in (Head("streams", "iqn", noisy_sigma=0.5, stream_units=4), Head("avg", "c51")):
        model = with_head(small_network(hidden=[8], start="glorot_uniform"), head)
        copy = keras.models.clone_model(model)
        copy.set_weights(model.get_weights())
        np.testing.assert_array_equal(copy(Corridor.states()), model(Corridor.states()))
