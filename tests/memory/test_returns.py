"""N-step returns, episode borders and valid samples, compared with plain lists."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from memory.naive import NaiveMemory, transitions

from runner.errors import RunError
from runner.memory.priorities import Prioritization
from runner.memory.replay import ReplayMemory

GAMMA = 0.9
BY_PRIORITY = Prioritization(alpha=0.6, beta_start=0.4, beta_steps=100, epsilon=1e-6)


@st.composite
def games(draw):
    """(streams, steps): each step lists its streams and how it ends their episodes."""
    streams = draw(st.integers(1, 3))
    numbers = range(streams)
    ends = st.sampled_from(["", "", "", "", "terminal", "truncated"])
    step = st.tuples(
        st.lists(st.sampled_from(numbers), min_size=1, unique=True),
        st.lists(ends, min_size=streams, max_size=streams),
    )
    return streams, draw(st.lists(step, min_size=5, max_size=60))


@settings(max_examples=150, deadline=None, derandomize=True)
@given(
    played=games(),
    window=st.integers(1, 4),
    n_step=st.integers(1, 5),
    spare=st.integers(0, 25),
    redraw=st.booleans(),
)
def test_sampled_transitions_and_their_content(played, window, n_step, spare, redraw):
    streams, steps = played
    capacity = window + n_step + 1 + spare  # often too small for all steps: rings wrap
    naive = NaiveMemory(streams, capacity, window)
    uniform, by_priority = (
        ReplayMemory(
            capacity * streams, window, (2,), streams, n_step=n_step, gamma=GAMMA,
            redraw_at_borders=redraw, prioritization=prioritization, seed=0,
        )
        for prioritization in (None, BY_PRIORITY)
    )  # fmt: skip
    for moving, ends in steps:
        naive.step([uniform, by_priority], moving, [ends[stream] for stream in moving])
    expected = {}
    for stream in range(streams):
        for start in range(len(naive.held(stream))):
            found = naive.transition(stream, start, n_step, GAMMA, redraw=redraw)
            if found is not None:
                expected[stream, start] = found
    assert uniform.nb_entries == sum(len(naive.held(stream)) for stream in range(streams))

    streams_and_starts = [
        (stream, start)
        for stream in range(streams)
        for start in range(window, len(naive.held(stream)) - 1)
    ]
    if streams_and_starts:
        numbers, starts = np.array(streams_and_starts).T
        drawable = ~uniform.refused(numbers, starts + 1)
        assert {key for key, may in zip(streams_and_starts, drawable, strict=True) if may} == set(
            expected
        )
    places = np.flatnonzero(by_priority.priorities.weights)
    oldest = np.maximum(by_priority.written - capacity, 0)[places // capacity]
    found = zip(
        (places // capacity).tolist(), ((places % capacity - oldest) % capacity).tolist(),
        strict=True,
    )  # fmt: skip
    assert set(found) == set(expected)

    if not expected:
        for memory in (uniform, by_priority):
            with pytest.raises((RunError, ValueError), match="expected"):
                memory.sample_batches(1, 4)
        return
    numbers, starts = np.array(list(expected)).T
    gathered = transitions(uniform.gather(numbers, starts + 1), window, GAMMA)
    for ours, naively in zip(gathered, expected.values(), strict=True):
        assert ours[:2] == naively[:2]
        assert ours.state1 == naively.state1
        np.testing.assert_allclose(
            [ours.reward, ours.discount], [naively.reward, naively.discount], rtol=1e-6
        )
    for memory in (uniform, by_priority):
        drawn = transitions(memory.sample_batches(2, 16).reshape(32), window, GAMMA)
        states = [(item.state0, item.action) for item in drawn]
        assert all(state in [(e.state0, e.action) for e in expected.values()] for state in states)


def played(length, steps, **settings):
    """A memory of one game with episodes of ``length`` steps; observations encode the step."""
    memory = ReplayMemory(4000, seed=3, observation_shape=(2,), **settings)
    for step in range(steps):
        end = np.array([step % length == length - 1])
        seen = np.array([[step % 251 + 1, step // 251 + 1]], np.uint8)
        memory.append_steps(np.zeros(1, np.int64), seen, [step % 4], [1.0], end, end, seen)
    return memory


def test_a_return_by_hand():
    """Rewards 1, 2, 4, 8 with discount 0.5: 1 + 1 + 1; at the terminal, 8 alone."""
    memory = ReplayMemory(50, 1, (1,), n_step=3, gamma=0.5, seed=0)
    for step, reward in enumerate([0.0, 1.0, 2.0, 4.0, 8.0]):
        end = np.array([step == 4])
        seen = np.array([[step]], np.uint8)
        memory.append_steps(np.zeros(1, np.int64), seen, [0], [reward], end, end, seen + 1)
    batch = memory.gather(np.zeros(4, np.int64), np.array([2, 3, 4, 5]))
    assert batch.rewards.tolist() == [1 + 1 + 1, 2 + 2 + 2, 4 + 4, 8]
    assert batch.windows[..., 0].tolist() == [[1, 4], [2, 5], [3, 5], [4, 5]]
    assert batch.steps.tolist() == [3, 3, 2, 1]
    assert batch.terminals.tolist() == [False, True, True, True]
    assert batch.discounts(0.5).tolist() == [0.125, 0.0, 0.0, 0.0]


def test_a_truncated_return_bootstraps_from_the_final_observation():
    memory = ReplayMemory(50, 1, (1,), n_step=3, gamma=0.5, seed=0)
    for step in range(4):
        end = np.array([step == 3])
        seen = np.array([[step]], np.uint8)
        memory.append_steps(np.zeros(1, np.int64), seen, [0], [1.0], end & False, end, seen + 50)
    batch = memory.gather(np.zeros(2, np.int64), np.array([3, 4]))
    assert batch.windows[..., 0].tolist() == [[2, 53], [3, 53]]
    assert batch.rewards.tolist() == [1.5, 1.0]
    assert batch.discounts(0.5).tolist() == [0.25, 0.5]


@pytest.mark.parametrize("n_step", [1, 3])
def test_redrawn_states_are_complete_and_uniform(n_step):
    """The distribution of rejection sampling, for every index."""
    window, length = 4, 7
    memory = played(length, 400, window_length=window, n_step=n_step, gamma=GAMMA,
                    redraw_at_borders=True)  # fmt: skip
    batch = memory.sample_batches(1500, 16)
    states = batch.windows[:, :, :window]
    assert (states[..., 0] > 0).all(), "padded"
    steps = (states[..., 0].astype(int) - 1) + 251 * (states[..., 1].astype(int) - 1)
    assert (np.diff(steps, axis=-1) == 1).all()
    within = steps[..., -1] % length
    assert set(within.ravel().tolist()) == set(range(window - 1, length))
    drawn, counts = np.unique(steps[..., -1], return_counts=True)
    # All but those of the first window, and those with incomplete returns.
    possible = [
        step for step in range(window, 400)
        if step % length >= window - 1 and (step + n_step < 400 or step // length < 399 // length)
    ]  # fmt: skip
    assert drawn.tolist() == possible
    mean = counts.sum() / len(possible)
    chi_square = ((counts - mean) ** 2 / mean).sum()
    assert chi_square < len(possible) + 5 * np.sqrt(2 * len(possible))


@pytest.mark.parametrize("prioritization", [None, BY_PRIORITY])
def test_no_episode_as_long_as_the_window_is_one_clear_error(prioritization):
    memory = played(3, 60, window_length=4, redraw_at_borders=True, prioritization=prioritization)
    with pytest.raises(RunError, match=r"none of the 80 entries .* at least 4 step\(s\) with"):
        memory.sample_batches(2, 8)


def test_the_one_long_episode_among_short_ones_is_found():
    memory = played(2, 1200, window_length=5, redraw_at_borders=True)
    for step in range(5):
        end = np.array([step == 4])
        seen = np.array([[250, 250]], np.uint8)
        memory.append_steps(np.zeros(1, np.int64), seen, [step], [1.0], end, end, seen)
    batch = memory.sample_batches(2, 8)
    assert (batch.windows == 250).all()
    assert (batch.actions == 4).all()


def test_an_n_step_return_longer_than_the_memory_is_refused():
    with pytest.raises(RunError, match="20 steps after one"):
        played(1000, 15, window_length=2, n_step=20, gamma=GAMMA).sample_batches(1, 4)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"limit": 50, "n_step": 3}, "gamma=None"),
        ({"limit": 6, "n_step": 3, "gamma": 0.9}, "limit=6: expected at least 7 entries"),
    ],
)
def test_a_memory_too_small_for_a_return_is_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        ReplayMemory(window_length=3, observation_shape=(2,), **settings)


def test_keras_rl2s_loop_computes_the_same_returns():
    """``append`` as in keras-rl2's loop: a separate call for the final observation."""
    memory = ReplayMemory(50, 2, (1,), n_step=2, gamma=0.5, seed=0)
    for step in range(6):
        memory.append(np.array([step], np.uint8), step, 1.0, terminal=step == 4)
    drawn = {item.action: item for item in memory.sample(64)}
    assert {action: item.reward for action, item in drawn.items()} == {2: 1.5, 3: 1.5, 4: 1.0}
    assert {action: item.terminal1 for action, item in drawn.items()} == {
        2: False, 3: True, 4: True,
    }  # fmt: skip
    assert np.array(drawn[2].state1).ravel().tolist() == [3, 4]
    assert np.array(drawn[3].state1).ravel().tolist() == [4, 5]
