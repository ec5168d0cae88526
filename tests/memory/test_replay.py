"""ReplayMemory compared with keras-rl2's SequentialMemory, and its sampling."""

from __future__ import annotations

import functools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runner.keras_rl2 import Experience, SequentialMemory
from runner.memory.replay import ReplayMemory
from runner.memory.windows import RunningWindows

SHAPE = (2,)


@st.composite
def episodes(draw, max_size=90):
    """Flags the entries that end an episode; never two in a row.

    The entry after an end is the final observation, as keras-rl2's loop stores it.
    """
    ends = draw(st.lists(st.booleans(), min_size=8, max_size=max_size))
    return [end and not (i and ends[i - 1]) for i, end in enumerate(ends)]


def entry(index):
    """An entry that differs from its neighbours: observation, action, reward."""
    observation = np.array([index % 251 + 1, index // 251 + 1], np.uint8)
    return observation, index % 7, float(index % 5 - 2)


def assert_same_transition(ours, reference):
    np.testing.assert_array_equal(np.array(ours.state0), np.array(reference.state0))
    np.testing.assert_array_equal(np.array(ours.state1), np.array(reference.state1))
    assert (ours.action, ours.reward, ours.terminal1) == (
        reference.action,
        reference.reward,
        reference.terminal1,
    )


def transition_of(memory, stream, index):
    """The transition of a stream that ``SequentialMemory.sample(1, [index])`` returns."""
    batch = memory.gather(np.array([stream]), np.array([index + 1]))
    window, action, reward, terminal = (column[0] for column in batch[:4])
    return Experience(list(window[:-1]), action, reward, list(window[1:]), terminal)


def assert_same_samples(sample_ours, reference):
    """Every index that SequentialMemory would not redraw gives the same transition."""
    # batch_idxs are one less than the sampled entry: from window_length to nb_entries - 2.
    for index in range(reference.window_length, reference.nb_entries - 1):
        if not reference.terminals[index - 1]:
            assert_same_transition(sample_ours(index), reference.sample(1, [index])[0])


@settings(max_examples=120, deadline=None, derandomize=True)
@given(
    ends=episodes(),
    window=st.integers(1, 5),
    spare=st.integers(0, 40),
    ignore=st.booleans(),
)
def test_samples_match_sequential_memory(ends, window, spare, ignore):
    limit = window + 2 + spare  # often too small for all entries: the ring wraps around
    ours = ReplayMemory(limit, window, SHAPE, ignore_episode_boundaries=ignore)
    reference = SequentialMemory(limit, window_length=window, ignore_episode_boundaries=ignore)
    for index, end in enumerate(ends):
        observation, action, reward = entry(index)
        ours.append(observation, action, reward, end)
        reference.append(observation, action, reward, end)
        state = ours.get_recent_state(observation)
        np.testing.assert_array_equal(state, reference.get_recent_state(observation))
    assert ours.nb_entries == reference.nb_entries
    assert_same_samples(lambda index: ours.sample(1, [index])[0], reference)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(
    ends=st.lists(st.lists(st.booleans(), min_size=3, max_size=3), min_size=10, max_size=50),
    window=st.integers(1, 5),
    spare=st.integers(0, 20),
)
def test_streams_behave_like_parallel_sequential_memories(ends, window, spare):
    streams = 3
    capacity = window + 2 + spare
    ours = ReplayMemory(capacity * streams, window, SHAPE, streams=streams)
    references = [SequentialMemory(capacity, window_length=window) for _ in range(streams)]
    for step, ended in enumerate(np.array(ends)):
        entries = [entry(3 * step + stream) for stream in range(streams)]
        observations, actions, rewards = (np.array(column) for column in zip(*entries, strict=True))
        final = observations + 100
        ours.append_steps(np.arange(streams), observations, actions, rewards, ended, ended, final)
        for stream, reference in enumerate(references):
            reference.append(*entries[stream], bool(ended[stream]))
            if ended[stream]:
                reference.append(final[stream], 0, 0.0, False)
    assert ours.nb_entries == sum(reference.nb_entries for reference in references)
    for stream, reference in enumerate(references):
        assert_same_samples(functools.partial(transition_of, ours, stream), reference)


def filled(limit=60, window=3, streams=1, steps=200, episode=None, truncated=False, seed=0):
    """A memory whose observations encode their stream and step."""
    memory = ReplayMemory(limit, window, (3,), streams=streams, seed=seed)
    for step in range(steps):
        # (stream, kind, step); kind: 1 acted on, 2 final
        observations = np.array([[s, 1, step % 256] for s in range(streams)], np.uint8)
        ended = np.zeros(streams, bool)
        if episode:  # episodes of different streams end at different steps
            ended = (step + np.arange(streams)) % episode == episode - 1
        memory.append_steps(
            np.arange(streams),
            observations,
            np.full(streams, step % 4),
            np.full(streams, float(step)),
            ended & (not truncated),
            ended,
            observations + np.array([0, 1, 0], np.uint8),
        )
    return memory


@pytest.mark.parametrize("episode", [2, 5, 17])
@pytest.mark.parametrize("streams", [1, 4])
def test_samples_never_start_at_a_final_observation(episode, streams):
    memory = filled(limit=80 * streams, streams=streams, episode=episode)
    batch = memory.sample_batches(20, 32)
    what_state0_ends_in = batch.windows[:, :, -2, 1]
    assert (what_state0_ends_in == 1).all()
    # The next state is the next observation or, at an episode's end, the final one.
    last, following = batch.windows[:, :, -2, 2].astype(int), batch.windows[:, :, -1, 2].astype(int)
    ended = batch.terminals
    assert ended.any()
    assert (following[ended] == last[ended]).all()
    assert (batch.windows[:, :, -1, 1][ended] == 2).all()
    assert ((following - last)[~ended] == 1).all()
    np.testing.assert_array_equal(batch.rewards, last)
    np.testing.assert_array_equal(batch.actions, last % 4)


def test_a_batch_has_no_repeats():
    memory = filled(limit=60, steps=45)
    rewards = memory.sample_batches(200, 32).rewards  # 32 of 41 transitions
    assert all(len(set(batch)) == 32 for batch in rewards.tolist())


def test_every_transition_is_drawn_equally_often():
    # 4 streams of 64 entries; 7 of 8 entries are transitions; windows of 3.
    memory = filled(limit=256, streams=4, episode=7, steps=150)
    draws = memory.sample_batches(1500, 16)
    keys, counts = np.unique(
        [draws.windows[..., -2, 0].ravel() * 1000.0 + draws.rewards.ravel()],
        return_counts=True,
    )
    possible = 0
    for stream in range(4):
        for index in range(memory.window_length + 1, memory.capacity):
            at = (memory.written[stream] + index - 2) % memory.capacity
            possible += memory.flags[stream, at] == 0
    assert len(keys) == possible > 180
    expected = draws.rewards.size / possible
    chi_square = ((counts - expected) ** 2 / expected).sum()
    # Mean `possible`, standard deviation sqrt(2 possible); the limit is five of them above.
    assert chi_square < possible + 5 * np.sqrt(2 * possible)


def test_the_same_seed_draws_the_same():
    first, again, other = (filled(seed=seed).sample_batches(3, 8) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first.windows, again.windows)
    assert (first.rewards != other.rewards).any()


def test_windows_do_not_cross_a_truncation():
    memory = filled(limit=40, episode=5, steps=15, truncated=True)
    batch = memory.sample_batches(30, 16)
    final = batch.windows[:, :, -1, 1] == 2
    assert final.any()
    assert not batch.terminals.any()
    # Windows are zero before the first observation of an episode (5, 10, ...).
    first = (batch.windows[:, :, -2, 2] % 5 == 0) & (batch.windows[:, :, -2, 1] == 1)
    assert first.any()
    assert (batch.windows[:, :, :-2][first] == 0).all()


def test_state1_is_state0_shifted_by_one():
    for item in filled(episode=6).sample(32):
        np.testing.assert_array_equal(np.array(item.state0[1:]), np.array(item.state1[:-1]))


@pytest.mark.parametrize(
    ("shape", "window", "bound"), [((84, 84), 4, 7300), ((128,), 3, 160), ((128,), 4, 160)]
)
def test_bytes_per_entry(shape, window, bound):
    memory = ReplayMemory(20_000, window, shape, streams=16)
    assert memory.nbytes / memory.limit <= bound


def test_frames_are_stored_once_for_any_window():
    sizes = {ReplayMemory(1000, window, (84, 84)).nbytes for window in (1, 4, 16)}
    assert len(sizes) == 1


def test_nothing_is_stored_while_testing():
    memory = ReplayMemory(20, 2, SHAPE)
    memory.append(np.ones(2, np.uint8), 0, 0.0, False, training=False)
    assert memory.nb_entries == 0


@pytest.mark.parametrize(("limit", "streams"), [(4, 1), (9, 2), (0, 1)])
def test_a_limit_below_one_transition_is_refused(limit, streams):
    with pytest.raises(ValueError, match=f"limit={limit}: expected at least {streams * 5}"):
        ReplayMemory(limit, 3, SHAPE, streams=streams)


@pytest.mark.parametrize("steps", [0, 4])
def test_sampling_from_too_few_entries_is_refused(steps):
    with pytest.raises(ValueError, match="expected at least 5 to draw from"):
        filled(window=3, steps=steps).sample_batches(1, 4)


def test_fewer_entries_than_the_batch_are_drawn_with_repeats():
    assert filled(window=3, steps=6).sample_batches(2, 32).rewards.shape == (2, 32)


def test_a_layer_is_rebuilt_from_its_config():
    memory = filled(limit=60, streams=4)
    config = memory.get_config()
    another = ReplayMemory(**config)
    assert another.get_config() == config
    assert another.nbytes == memory.nbytes


@pytest.mark.parametrize(
    ("padding", "expected"),
    [
        # Window 3; 1 2 3 end an episode, 4 is its final observation; 5 6 7 8 are the next episode.
        ("zeros", {5: [0, 0, 5, 6], 6: [0, 5, 6, 7], 7: [5, 6, 7, 8]}),
        ("first", {5: [5, 5, 5, 6], 6: [5, 5, 6, 7], 7: [5, 6, 7, 8]}),
    ],
)
def test_padding_before_an_episode(padding, expected):
    memory = ReplayMemory(100, 3, (1,), padding=padding)
    for frame in (1, 2, 3, 4, 5, 6, 7, 8):
        memory.append(np.array([frame], np.uint8), 0, 0.0, terminal=frame == 3)
    for frame, window in expected.items():
        # Frame f is entry f - 1; its transition leads to entry f.
        batch = memory.gather(np.array([0]), np.array([frame]))
        assert batch.windows[0, :, 0].tolist() == window


@pytest.mark.parametrize("padding", ["zeros", "first"])
def test_sampled_windows_match_the_acted_on_windows(padding):
    generator = np.random.default_rng(0)
    streams, window = 2, 4
    memory = ReplayMemory(400, window, (2,), streams=streams, padding=padding)
    running = RunningWindows(streams, window, (2,), padding)
    acted_on = {}
    first = generator.integers(1, 256, (streams, 2), dtype=np.uint8)
    running.push(slice(None), first, True)
    for _ in range(300):
        for stream in range(streams):
            acted_on[stream, int(memory.written[stream])] = running.states[stream].copy()
        ended = generator.random(streams) < 0.25
        final, following = generator.integers(1, 256, (2, streams, 2), dtype=np.uint8)
        nothing = np.zeros(streams)
        memory.append_steps(
            np.arange(streams), running.latest, nothing, nothing, ended, ended, final
        )
        running.push(slice(None), following, ended)
    compared = 0
    for (stream, entry_number), state in acted_on.items():
        index = entry_number + 1 - max(int(memory.written[stream]) - memory.capacity, 0)
        if window + 1 <= index < memory.capacity:
            batch = memory.gather(np.array([stream]), np.array([index]))
            np.testing.assert_array_equal(batch.windows[0, :-1], state)
            compared += 1
    assert compared > 250
