"""Prioritised replay compared with Schaul et al. 2016: sampling frequencies and weights."""

from __future__ import annotations

import numpy as np
import pytest

from runner.memory.priorities import Priorities, Prioritization
from runner.memory.replay import ReplayMemory


def prioritization(**settings):
    defaults = {"alpha": 0.6, "beta_start": 0.4, "beta_steps": 1000, "epsilon": 1e-6}
    return Prioritization(**{**defaults, **settings})


def memory_of(steps, limit=200, streams=1, **settings):
    """One endless game per stream; the reward of a transition is its step."""
    memory = ReplayMemory(
        limit, 2, (1,), streams=streams, seed=0, prioritization=prioritization(**settings)
    )
    for step in range(steps):
        seen, never = np.full((streams, 1), step % 256, np.uint8), np.zeros(streams, bool)
        numbers, rewards = np.arange(streams), np.full(streams, float(step))
        memory.append_steps(numbers, seen, np.zeros(streams), rewards, never, never, seen)
    return memory


def known(memory):
    """Reward (the step) and index of every transition, sampled while priorities are equal."""
    batch = memory.sample_batches(1, 4000)
    steps, at = np.unique(batch.rewards, return_index=True)
    return steps, batch.indices.ravel()[at]


def test_sampling_is_proportional_to_priority():
    """Equation 1: P(i) = p_i^alpha / sum p^alpha, p_i = |error| + epsilon."""
    memory = memory_of(60)
    steps, indices = known(memory)
    assert steps.tolist() == list(range(2, 59))  # the last has no next state yet
    errors = np.random.default_rng(1).normal(scale=2.0, size=len(steps))
    memory.update_priorities(indices, errors)
    powers = (np.abs(errors) + 1e-6) ** 0.6
    chances = powers / powers.sum()
    batch = memory.sample_batches(2000, 32)
    counts = np.array([(batch.rewards == step).sum() for step in steps])
    expected = chances * batch.rewards.size
    chi_square = ((counts - expected) ** 2 / expected).sum()
    # Stratification lowers chi-square below the mean of independent draws, len(steps) - 1.
    assert chi_square < len(steps) + 5 * np.sqrt(2 * len(steps))
    # Stratified: counts per batch differ from their expectation by less than two.
    per_batch = np.array([(batch.rewards == step).sum(axis=1) for step in steps])
    assert (np.abs(per_batch - 32 * chances[:, None]) < 2).all()


@pytest.mark.parametrize(("stored", "beta"), [(0, 0.4), (500, 0.7), (1000, 1.0), (9999, 1.0)])
def test_importance_weights_by_hand(stored, beta):
    """Algorithm 1, line 10: w_j = (N P(j))^-beta / max_i w_i."""
    priorities = Priorities(3, prioritization(alpha=1.0, epsilon=1.0))
    priorities.step = stored
    assert priorities.beta == pytest.approx(beta)
    places = np.arange(3)
    priorities.add(places, np.ones(3, bool))
    priorities.update(places, np.array([0.0, -1.0, 4.0]))  # priorities 1, 2, 5
    drawn, weights = priorities.draw(np.random.default_rng(0), 50, 2)
    assert {tuple(batch) for batch in drawn.tolist()} == {(0, 2), (1, 2), (2, 2)}
    chances = np.array([1, 2, 5]) / 8
    for batch, ours in zip(drawn, weights, strict=True):
        wanted = (3 * chances[batch]) ** -beta
        np.testing.assert_allclose(ours, wanted / wanted.max(), rtol=1e-6)
    assert weights.dtype == np.float32
    assert len({batch.max() for batch in weights}) == 1


def test_alpha_0_is_uniform():
    memory = memory_of(40, alpha=0.0)
    _, indices = known(memory)
    memory.update_priorities(indices, np.arange(len(indices)) * 100.0)
    assert len(np.unique(memory.priorities.weights)) == 2  # 0: cannot be sampled
    assert (memory.sample_batches(3, 32).weights == 1).all()


def test_new_transitions_have_the_largest_priority_so_far():
    memory = memory_of(40)
    _, indices = known(memory)
    memory.update_priorities(indices[:1], np.array([7.0]))
    largest = memory.priorities.weights[indices[0]]
    assert largest == pytest.approx(7.0**0.6)
    memory.update_priorities(indices, np.full(len(indices), 0.5))
    before = set(np.flatnonzero(memory.priorities.weights).tolist())
    end, seen = np.zeros(1, bool), np.zeros((1, 1), np.uint8)
    memory.append_steps(np.zeros(1, np.int64), seen, [0], [40.0], end, end, seen)
    (new,) = set(np.flatnonzero(memory.priorities.weights).tolist()) - before
    assert memory.priorities.weights[new] == largest


def test_storing_transitions_keeps_existing_priorities():
    memory = ReplayMemory(100, 1, (1,), n_step=3, gamma=0.9, prioritization=prioritization())
    seen = np.zeros((1, 1), np.uint8)
    for step in range(20):
        known_before = np.flatnonzero(memory.priorities.weights)
        if known_before.size:
            memory.update_priorities(known_before, np.full(known_before.size, 0.1))
        before = memory.priorities.weights[known_before]
        end = np.array([step % 7 == 6])  # an end completes three returns
        memory.append_steps(np.zeros(1, np.int64), seen, [0], [0.0], end, end, seen)
        np.testing.assert_array_equal(memory.priorities.weights[known_before], before)


def test_the_last_error_counts_for_repeated_samples():
    memory = memory_of(40)
    _, indices = known(memory)
    twice = np.array([[indices[0], indices[1]], [indices[0], indices[2]]])
    memory.update_priorities(twice, np.array([[9.0, 1.0], [3.0, 2.0]], np.float32))
    found = memory.priorities.weights[indices[:3]]
    np.testing.assert_allclose(found, (np.array([3.0, 1.0, 2.0]) + 1e-6) ** 0.6, rtol=1e-6)


def test_small_errors_keep_a_priority():
    memory = memory_of(40, alpha=1.0, epsilon=1e-300)
    _, indices = known(memory)
    memory.update_priorities(indices, np.zeros(len(indices)))
    assert (memory.priorities.weights[indices] > 0).all()
    assert memory.sample_batches(2, 16).rewards.shape == (2, 16)


def test_steps_are_counted_from_first_step():
    memory = memory_of(30, streams=4, first_step=100)
    assert memory.priorities.step == 100 + 4 * 30


def test_uniform_memories_refuse_priorities():
    memory = ReplayMemory(100, 2, (1,))
    with pytest.raises(ValueError, match="prioritization"):
        memory.update_priorities(np.zeros((1, 1), np.int64), np.zeros((1, 1)))


@pytest.mark.parametrize("limit", [20_000, 1_000_000])
def test_bytes_per_entry(limit):
    plain, prioritised = (
        ReplayMemory(limit, 3, (128,), streams=32, prioritization=settings)
        for settings in (None, prioritization())
    )
    assert 4 <= (prioritised.nbytes - plain.nbytes) / limit < 5  # as checks.py assumes


def test_the_state_round_trips():
    first, second = memory_of(150, streams=3), memory_of(150, streams=3)
    batch = first.sample_batches(2, 16)
    first.update_priorities(batch.indices, np.random.default_rng(0).normal(size=(2, 16)))
    second.priorities.set_state(first.priorities.get_state())
    second.generator.bit_generator.state = first.generator.bit_generator.state
    ours, theirs = first.sample_batches(3, 16), second.sample_batches(3, 16)
    for name in ("windows", "rewards", "indices", "weights"):
        np.testing.assert_array_equal(getattr(ours, name), getattr(theirs, name))
