"""Return distributions: targets, losses and means, computed by hand or in NumPy."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
from numpy.typing import NDArray

from models.heads import (
    CategoricalMean,
    Head,
    ImplicitQuantileMean,
    QuantileMean,
    midpoints,
    with_head,
)
from runner.agent.distributions import Outputs, Values, distribution_of
from runner.agent.draws import StatelessDraws


def kind(last_layer: keras.layers.Layer, delta_clip: float = 1.0) -> Values:
    inputs = keras.Input((2, getattr(last_layer, "atoms", 3)))
    return distribution_of(keras.Model(inputs, last_layer(inputs)), delta_clip)


FIVE = CategoricalMean(5, v_min=-2.0, v_max=2.0)  # returns -2, -1, 0, 1, 2
ONE = np.ones(1, np.float32)


@pytest.mark.parametrize(
    ("reward", "discount", "following", "expected"),
    [
        # Terminal: all mass on the reward, shared between its neighbours by distance.
        (1.0, 0.0, [0.2, 0.2, 0.2, 0.2, 0.2], [0, 0, 0, 1, 0]),
        (0.25, 0.0, [0, 0, 1, 0, 0], [0, 0, 0.75, 0.25, 0]),
        (-1.4, 0.0, [0, 0, 1, 0, 0], [0.4, 0.6, 0, 0, 0]),
        # Beyond the support: all mass on its end.
        (7.0, 0.0, [0, 0, 1, 0, 0], [0, 0, 0, 0, 1]),
        (-7.0, 0.0, [0, 0, 1, 0, 0], [1, 0, 0, 0, 0]),
        # Unchanged.
        (0.0, 1.0, [0.1, 0.2, 0.4, 0.2, 0.1], [0.1, 0.2, 0.4, 0.2, 0.1]),
        # 1 + 0.5 * (-2, -1, 0, 1, 2) = 0, 0.5, 1, 1.5, 2
        (1.0, 0.5, [0.1, 0.2, 0.4, 0.2, 0.1], [0, 0, 0.1 + 0.1, 0.1 + 0.4 + 0.1, 0.1 + 0.1]),
        # Shifted by one: the mass of 1 and 2 is at 2.
        (1.0, 1.0, [0.1, 0.2, 0.4, 0.2, 0.1], [0, 0.1, 0.2, 0.4, 0.3]),
    ],
)
def test_c51_projection(
    reward: float, discount: float, following: list[float], expected: list[float]
) -> None:
    """Bellemare et al. 2017, algorithm 1."""
    projected = kind(FIVE).targets(ONE * reward, ONE * discount, np.array([following], np.float32))
    np.testing.assert_allclose(projected, [expected], atol=1e-6)


def projected_as_in_the_paper(
    rewards: Any, discounts: Any, probabilities: Any, v_min: float, v_max: float
) -> NDArray[np.float64]:
    """Algorithm 1 of Bellemare et al. 2017, line by line."""
    batch, atoms = probabilities.shape
    spacing = (v_max - v_min) / (atoms - 1)
    m = np.zeros((batch, atoms))
    for i in range(batch):
        for j in range(atoms):
            moved = np.clip(rewards[i] + discounts[i] * (v_min + j * spacing), v_min, v_max)
            b = (moved - v_min) / spacing
            low, high = int(np.floor(b)), int(np.ceil(b))
            if low == high:  # the paper's algorithm would lose this mass
                m[i, low] += probabilities[i, j]
            else:
                m[i, low] += probabilities[i, j] * (high - b)
                m[i, high] += probabilities[i, j] * (b - low)
    return m


def test_c51_projection_is_algorithm_1() -> None:
    generator = np.random.default_rng(0)
    probabilities = generator.dirichlet(np.ones(51), size=32)
    rewards, discounts = generator.normal(size=32) * 5, generator.random(32)
    got = kind(CategoricalMean(51, v_min=-10.0, v_max=10.0)).targets(
        *(x.astype(np.float32) for x in (rewards, discounts, probabilities))
    )
    expected = projected_as_in_the_paper(rewards, discounts, probabilities, -10.0, 10.0)
    np.testing.assert_allclose(got, expected, atol=1e-5)
    np.testing.assert_allclose(got.numpy().sum(axis=1), 1.0, rtol=1e-5)


def test_c51_loss_is_cross_entropy() -> None:
    logits = np.array([[[0.0, 1.0, 2.0, -1.0, 0.5], [9.0, 9.0, 0.0, 0.0, 0.0]]], np.float32)
    target = np.array([[0.0, 0.25, 0.75, 0.0, 0.0]], np.float32)
    p = np.exp(logits[0, 0]) / np.exp(logits[0, 0]).sum()
    first = np.array([[1.0, 0.0]], np.float32)
    losses, errors = kind(FIVE).losses(target, Outputs(logits), first)
    np.testing.assert_allclose(losses, [-0.25 * np.log(p[1]) - 0.75 * np.log(p[2])], rtol=1e-5)
    divergence = 0.25 * np.log(0.25 / p[1]) + 0.75 * np.log(0.75 / p[2])
    np.testing.assert_allclose(errors, [divergence], rtol=1e-5)
    np.testing.assert_allclose(
        kind(FIVE).q_values(Outputs(logits))[0, 0], p @ [-2, -1, 0, 1, 2], rtol=1e-5
    )


@pytest.mark.parametrize(
    ("quantiles", "targets", "kappa", "expected"),
    [
        # One quantile, the median: |0.5 - 1{u < 0}| = 0.5 either way.
        ([0.0], [0.5], 1.0, 0.5 * 0.125),
        ([0.0], [-3.0], 1.0, 0.5 * 2.5),
        # Two, at 1/4 and 3/4. The errors of 0 and 2 are 1 and -1: 0.25 * 0.5 + |0.75 - 1| * 0.5.
        ([0.0, 2.0], [1.0], 1.0, 0.25 * 0.5 + 0.25 * 0.5),
        # Reversed quantiles: |0.25 - 1| * 0.5 + 0.75 * 0.5.
        ([2.0, 0.0], [1.0], 1.0, 0.75 * 0.5 + 0.75 * 0.5),
        # Averaged over the targets, summed over the quantiles, divided by kappa:
        # quantile 0: errors 1 and -4, Huber at 2: 0.5 and 6; 0.25 * 0.5, 0.75 * 6
        # quantile 2: errors -1 and -6: 0.5 and 10; 0.25 * 0.5, 0.25 * 10
        ([0.0, 2.0], [1.0, -4.0], 2.0, (0.125 + 4.5) / 2 / 2 + (0.125 + 2.5) / 2 / 2),
        ([1.0, 1.0], [1.0, 1.0], 1.0, 0.0),
    ],
)
def test_quantile_huber_loss(
    quantiles: list[float], targets: list[float], kappa: float, expected: float
) -> None:
    """Dabney et al. 2018a, equations 9 and 10."""
    values = np.array([[[7.0] * len(quantiles), quantiles]], np.float32)
    outputs = Outputs(values, midpoints(len(quantiles))[None])
    second = np.array([[0.0, 1.0]], np.float32)
    losses, errors = kind(QuantileMean(), kappa).losses(
        np.array([targets], np.float32), outputs, second
    )
    np.testing.assert_allclose(losses, [expected], rtol=1e-6)
    np.testing.assert_array_equal(errors, losses)


def test_quantile_targets_and_means() -> None:
    quantiles = kind(QuantileMean())
    outputs = Outputs(np.array([[[1.0, 3.0], [0.0, 10.0]]], np.float32))
    np.testing.assert_allclose(quantiles.q_values(outputs), [[2.0, 5.0]])
    half = quantiles.under(np.array([[0.5, 0.5]], np.float32), outputs)
    np.testing.assert_allclose(half, [[0.5, 6.5]])
    np.testing.assert_allclose(quantiles.targets(ONE, ONE * 0.5, half), [[1.25, 4.25]])


def test_expected_sarsa_mixes_c51_distributions() -> None:
    logits = np.log(np.array([[[0.1, 0.9, 1e-9], [0.5, 1e-9, 0.5]]], np.float32))
    mixed = kind(CategoricalMean(3, -1.0, 1.0)).under(
        np.array([[0.25, 0.75]], np.float32), Outputs(logits)
    )
    np.testing.assert_allclose(mixed, [[0.4, 0.225, 0.375]], atol=1e-6)


def implicit_network() -> keras.Model:
    keras.utils.set_random_seed(0)  # some weights: Q-values near 0 from quantiles in the hundreds
    inputs = keras.Input((1, 4), dtype="uint8")
    x = keras.layers.Dense(5)(keras.layers.Flatten()(keras.layers.Rescaling(1.0)(inputs)))
    return with_head(keras.Model(inputs, keras.layers.Dense(3)(x)), Head("none", "iqn", atoms=8))


def test_implicit_quantiles_match_the_drawn_fractions() -> None:
    """Dabney et al. 2018b, equation 4: phi_j(tau) = relu(sum_i cos(pi i tau) w_ij + b_j)."""
    model = implicit_network()
    assert isinstance(model.layers[-1], ImplicitQuantileMean)
    implicit = distribution_of(model, 1.0)
    states = np.random.default_rng(0).integers(256, size=(2, 1, 4), dtype=np.uint8)
    draws = StatelessDraws((0, 0), 7, per_row=False)
    outputs = implicit.evaluate(implicit.network(model), states, draws, training=True)
    tau = outputs.fractions.numpy()
    assert tau.shape == (2, 8)
    assert ((tau >= 0) & (tau < 1)).all()
    features_w, features_b, w, b, out_w, out_b = model.get_weights()
    features = states[:, 0] @ features_w + features_b  # (B, 5)
    phi = np.maximum(np.cos(np.pi * np.arange(64) * tau[:, :, None]) @ w + b, 0)  # (B, N, 5)
    quantiles = (features[:, None] * phi) @ out_w + out_b  # (B, N, nb_actions)
    np.testing.assert_allclose(outputs.values, quantiles.transpose(0, 2, 1), rtol=1e-3, atol=1e-3)


def test_acting_uses_evenly_spaced_fractions() -> None:
    model = implicit_network()
    implicit = distribution_of(model, 1.0)
    states = np.random.default_rng(0).integers(256, size=(2, 1, 4), dtype=np.uint8)
    spread = implicit.network(model)(states).numpy()
    np.testing.assert_allclose(model(states), spread.mean(axis=-1), rtol=1e-5)
    np.testing.assert_array_equal(model(states), model(states))
    np.testing.assert_allclose(midpoints(4), [0.125, 0.375, 0.625, 0.875])
