"""Policies and schedules: values computed by hand, and sampled distributions."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from runner.keras_rl2 import (
    BoltzmannQPolicy,
    EpsGreedyQPolicy,
    GreedyQPolicy,
    LinearAnnealedPolicy,
)
from runner.policies.annealing import AnnealedPolicy, constant, piecewise
from runner.policies.build import make_policy
from runner.policies.rules import (
    EpsZGreedyQPolicy,
    SoftmaxQPolicy,
    target_kind,
    target_parameter,
)
from runner.settings import compose

Q = np.array([1.0, 3.0, 2.0], np.float32)
TIED = np.array([1.0, 3.0, 2.0, 3.0], np.float32)


def shares(policy: Any, q_values: Any, draws: int = 4000, **game: int) -> Any:
    """The relative frequency of each action."""
    np.random.seed(0)
    actions = [policy.select_action(q_values=q_values, **game) for _ in range(draws)]
    return np.bincount(actions, minlength=len(q_values)) / draws


def built(*settings: str) -> Any:
    return make_policy(compose.load(["memory.limit=20000", *settings]))


def value_at(policy: Any, step: int, training: bool = True) -> float:
    """The policy's metric after an action at ``step``."""
    policy._set_agent(SimpleNamespace(step=step, training=training))
    policy.select_action(q_values=Q)
    (value,) = policy.metrics
    return float(value)


# --- rules ------------------------------------------------------------------------------------


def test_a_random_action_lasts_for_its_drawn_duration() -> None:
    policy = EpsZGreedyQPolicy(exponent=2.0, max_action_repeat=3)
    policy.eps = 1.0
    np.random.seed(0)
    actions, lasted = [], []
    for _ in range(6000):
        if policy.left[0] == 0:
            lasted.append(0)
        actions.append(policy.select_action(q_values=Q))
        lasted[-1] += 1
        assert actions[-1] == actions[-lasted[-1]]
    # (1 / n**2) / (pi**2 / 6) for 1 and 2; longer durations are capped at 3.
    shares_of = np.bincount(lasted[:-1], minlength=4)[1:] / len(lasted[:-1])
    one, two = 6 / math.pi**2, 6 / math.pi**2 / 4
    np.testing.assert_allclose(shares_of, [one, two, 1 - one - two], atol=0.03)
    np.testing.assert_allclose(np.bincount(actions) / 6000, [1 / 3] * 3, atol=0.03)


def test_each_game_repeats_its_own_action() -> None:
    policy = EpsZGreedyQPolicy(streams=2, max_action_repeat=1000)
    policy.left[:], policy.repeated[:], policy.eps = [3, 0], [2, 0], 0.0
    chosen = []
    for _ in range(4):
        for stream in (0, 1):
            chosen.append(policy.select_action(Q, stream))
    assert chosen == [2, 1, 2, 1, 2, 1, 1, 1]


def test_epsilon_differs_by_game() -> None:
    """Horgan et al. 2018, equation of section 4.1, for five games: 0.4 ** (1 + 7 * i / 4)."""
    policy = EpsZGreedyQPolicy(streams=5, max_action_repeat=1, epsilon_spread=7.0)
    policy.eps = 0.4
    expected = [0.4, 0.4**2.75, 0.4**4.5, 0.4**6.25, 0.4**8]
    for stream, epsilon in enumerate(expected):
        wanted = [epsilon / 3, 1 - epsilon * 2 / 3, epsilon / 3]
        np.testing.assert_allclose(shares(policy, Q, stream=stream), wanted, atol=0.02)
    policy.eps = 1.0  # before annealing, all games play randomly
    assert set(policy.eps**policy.power) == {1.0}
    np.testing.assert_allclose(
        EpsZGreedyQPolicy(streams=1, epsilon_spread=2.0).power, 2
    )  # the middle exponent


@pytest.mark.parametrize(
    ("repeat_share", "where"),
    [(0, []), (0.25, [0, 4]), (0.5, [0, 2, 4, 6]), (0.9, [0, 1, 2, 3, 4, 5, 6, 7]), (1, range(8))],
)
def test_random_actions_last_in_a_share_of_the_games(repeat_share: float, where: list[int]) -> None:
    policy = EpsZGreedyQPolicy(streams=8, repeat_share=repeat_share)
    policy.eps = 1.0
    np.random.seed(0)
    lasts = set()
    for stream in range(8):
        for _ in range(50):
            policy.select_action(Q, stream)
            if policy.left[stream]:
                lasts.add(stream)
    assert sorted(lasts) == list(where)


@pytest.mark.parametrize("tau", [0.5, 1.0, 10.0])
def test_softmax_matches_the_textbook(tau: float) -> None:
    expected = np.exp(Q / tau) / np.exp(Q / tau).sum()
    policy = SoftmaxQPolicy(tau)
    np.testing.assert_allclose(policy.probabilities(Q), expected, rtol=1e-6)
    np.testing.assert_allclose(shares(policy, Q), expected, atol=0.03)


@pytest.mark.parametrize("tau", [5e-5, 1e-300])
@pytest.mark.parametrize("offset", [-1000.0, 0.0, 1e6])
def test_softmax_of_a_tiny_temperature_is_greedy(tau: float, offset: float) -> None:
    with np.errstate(all="raise", under="ignore"):
        if tau > 1e-200:
            np.testing.assert_array_equal(SoftmaxQPolicy(tau).probabilities(Q + offset), [0, 1, 0])
    with np.errstate(all="ignore"):
        np.testing.assert_array_equal(shares(SoftmaxQPolicy(tau), Q + offset, 50), [0, 1, 0])


def test_softmax_distinguishes_values_beyond_the_clip() -> None:
    """Q / tau is 20,000 and 60,000: both beyond keras-rl2's clip of 500."""
    np.testing.assert_allclose(shares(BoltzmannQPolicy(5e-5), Q), [1 / 3] * 3, atol=0.03)
    # A difference of tau is a factor of e.
    near = np.array([0.0, 5e-5])
    np.testing.assert_allclose(
        SoftmaxQPolicy(5e-5).probabilities(near), [1 / (1 + math.e), math.e / (1 + math.e)]
    )


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        (GreedyQPolicy(), [0, 1, 0, 0]),
        (EpsGreedyQPolicy(0.4), [0.1, 0.7, 0.1, 0.1]),
        (SoftmaxQPolicy(5e-5), [0, 0.5, 0, 0.5]),
    ],
    ids=lambda v: type(v).__name__,
)
def test_ties_are_broken(policy: Any, expected: list[float]) -> None:
    np.testing.assert_allclose(shares(policy, TIED), expected, atol=0.03)


@pytest.mark.parametrize(
    ("settings", "rule"),
    [
        (["policy=linear"], EpsGreedyQPolicy),
        (["policy.name=eps_z_greedy"], EpsZGreedyQPolicy),
        (["policy=softmax"], SoftmaxQPolicy),
        (["policy=boltzmann", "policy.clip=[-9,9]"], BoltzmannQPolicy),
    ],
)
def test_the_configured_policy_is_built(settings: list[str], rule: type) -> None:
    policy = built(*settings)
    assert type(policy.inner_policy) is rule
    if rule is BoltzmannQPolicy:
        assert policy.inner_policy.clip == (-9.0, 9.0)


def test_greedy_policies_have_no_schedule() -> None:
    assert type(built("policy=greedy")) is GreedyQPolicy


# --- schedules --------------------------------------------------------------------------------

SCHEDULES = [
    # 1 at step 0, 1 - 0.9 / 2 halfway, 0.1 from 100 on
    (["policy.value_min=0.1", "policy.nb_steps=100"], {0: 1.0, 50: 0.55, 100: 0.1, 5000: 0.1}),
    (["policy=constant", "policy.value_max=0.3"], {0: 0.3, 10**6: 0.3}),
    # 0.01 + 0.99 e^0, e^-1 (after 1 / rate steps), e^-2, e^-30
    (
        ["policy=exponential", "policy.value_min=0.01", "policy.rate=0.001"],
        {0: 1.0, 1000: 0.374200657, 2000: 0.143981929, 30000: 0.01},
    ),
    # Tutorial 5: 1 until 300,000, then linear over 900,000 steps to 0.1
    (
        ["policy=piecewise", "policy.points=[[300000,1],[1200000,0.1]]"],
        {0: 1.0, 299_999: 1.0, 300_000: 1.0, 750_000: 0.55, 1_200_000: 0.1, 2_500_000: 0.1},
    ),
    # A temperature, and values that rise temporarily
    (["policy=softmax", "policy.value_max=5e-5"], {0: 5e-5, 10**6: 5e-5}),
    (
        ["policy=softmax", "policy.schedule=linear", "policy.value_min=0.5", "policy.nb_steps=10"],
        {0: 1.0, 5: 0.75, 10: 0.5, 11: 0.5},
    ),
    (
        [
            "policy=boltzmann", "policy.schedule=piecewise",
            "policy.points=[[0,1],[10,2],[20,2],[30,0.5]]",
        ],
        {0: 1.0, 5: 1.5, 15: 2.0, 20: 2.0, 25: 1.25, 99: 0.5},
    ),
]  # fmt: skip


@pytest.mark.parametrize(("settings", "values"), SCHEDULES, ids=lambda v: str(v)[:50])
def test_the_value_by_step(settings: list[str], values: dict[int, float]) -> None:
    policy = built(*settings)
    name = "mean_eps" if policy.attr == "eps" else "mean_tau"
    assert policy.metrics_names == [name]
    assert isinstance(policy, LinearAnnealedPolicy)
    for step, value in values.items():
        assert value_at(policy, step) == pytest.approx(value, rel=1e-6), step


def test_a_linear_policy_is_keras_rl2s_class() -> None:
    policy = built("policy=linear")
    assert type(policy) is LinearAnnealedPolicy
    assert type(policy.inner_policy) is EpsGreedyQPolicy


def test_schedules_advance_in_training_only() -> None:
    policy = AnnealedPolicy(EpsGreedyQPolicy(), "eps", constant(0.9), value_test=0.2)
    assert value_at(policy, 7, training=False) == 0.2


def test_a_missing_attribute_is_refused() -> None:
    with pytest.raises(ValueError, match='attribute "tau"'):
        AnnealedPolicy(EpsGreedyQPolicy(), "tau", piecewise([[0, 1]]), 0.1)


# --- as a target ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "kind", "parameter"),
    [
        (["policy=linear", "policy.nb_steps=100", "policy.value_min=0"], "eps_greedy", 0.75),
        (["policy=constant"], "eps_greedy", 0.1),
        (["policy=greedy"], "eps_greedy", 0.0),
        (["policy=softmax", "policy.value_max=5e-5"], "softmax", 5e-5),
    ],
)
def test_expected_sarsa_parameters_of_policies(
    settings: list[str], kind: str, parameter: float
) -> None:
    policy = built(*settings)
    policy._set_agent(SimpleNamespace(step=25, training=True))
    policy.select_action(q_values=Q)
    assert target_kind(policy) == kind
    assert target_parameter(policy) == parameter


def test_an_unsupported_target_policy_is_refused() -> None:
    with pytest.raises(ValueError, match="BoltzmannQPolicy: expected an epsilon-greedy"):
        target_kind(built("policy=boltzmann"))
