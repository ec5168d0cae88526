"""Policies used for bootstrap targets, compared with the papers' equations in NumPy."""

from __future__ import annotations

import numpy as np
import pytest

from runner.agent.targets import POLICIES, Munchausen

Q = np.array([[1.0, 3.0, 2.0, -4.0], [0.5, 0.5, -1.0, 0.0]], np.float32)  # (B, nb_actions)


@pytest.mark.parametrize("epsilon", [0.0, 0.1, 1.0])
def test_eps_greedy_mostly_takes_the_best_action(epsilon: float) -> None:
    """van Seijen et al. 2009: 1 - epsilon + epsilon / n for the best action, else epsilon / n."""
    probabilities = POLICIES["eps_greedy"](Q, epsilon).numpy()
    expected = np.full((2, 4), epsilon / 4)
    expected[0, 1] += 1 - epsilon
    expected[1, 0] += 1 - epsilon  # the first of equal values
    np.testing.assert_allclose(probabilities, expected, rtol=1e-6)


@pytest.mark.parametrize("tau", [1.0, 0.1, 5e-5])
def test_softmax(tau: float) -> None:
    exponentials = np.exp((Q.astype(np.float64) - Q.max(axis=1, keepdims=True)) / tau)
    expected = exponentials / exponentials.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(POLICIES["softmax"](Q, tau).numpy(), expected, rtol=1e-5, atol=1e-9)


def test_greedy_equals_eps_greedy_with_epsilon_0() -> None:
    np.testing.assert_array_equal(POLICIES["greedy"](Q, 0.0), POLICIES["eps_greedy"](Q, 0.0))


def test_munchausen() -> None:
    """Vieillard et al. 2020, equation 2 and section 4 (clipping)."""
    alpha, tau, floor = 0.9, 0.5, -1.0
    q = Q.astype(np.float64)
    pi = np.exp(q / tau) / np.exp(q / tau).sum(axis=1, keepdims=True)
    munchausen = Munchausen(alpha, tau, floor)
    np.testing.assert_allclose(munchausen.probabilities(Q), pi, rtol=1e-5)
    for action in range(4):
        taken = np.eye(4, dtype=np.float32)[[action, action]]
        expected = alpha * np.clip(tau * np.log(pi[:, action]), floor, 0)
        np.testing.assert_allclose(munchausen.reward(Q, taken), expected, rtol=1e-5, atol=1e-7)
    entropy = -tau * (pi * np.log(pi)).sum(axis=1)
    np.testing.assert_allclose(munchausen.entropy(Q), entropy, rtol=1e-5)


def test_munchausen_of_a_sure_policy_is_finite() -> None:
    munchausen = Munchausen(0.9, 1e-3, -1.0)
    np.testing.assert_allclose(munchausen.entropy(Q[:1]), [0.0], atol=1e-6)
    worst = np.eye(4, dtype=np.float32)[[3]]
    np.testing.assert_allclose(munchausen.reward(Q[:1], worst), [-0.9], rtol=1e-6)
