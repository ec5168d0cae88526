"""Acting windows are identical to keras-rl2's."""

from __future__ import annotations

import numpy as np
import pytest

from runner.keras_rl2 import SequentialMemory
from runner.memory.windows import RunningWindows


@pytest.mark.parametrize("window", [1, 2, 4])
def test_states_match_keras_rl2_across_episodes(window):
    generator = np.random.default_rng(0)
    streams = 3
    windows = RunningWindows(streams, window, (5,))
    memories = [SequentialMemory(100, window_length=window) for _ in range(streams)]
    starts = np.ones(streams, bool)
    for _ in range(200):
        observations = generator.integers(1, 256, (streams, 5), dtype=np.uint8)
        windows.push(slice(None), observations, starts)
        np.testing.assert_array_equal(windows.latest, observations)
        ends = generator.random(streams) < 0.2
        for stream, memory in enumerate(memories):
            np.testing.assert_array_equal(
                windows.states[stream], memory.get_recent_state(observations[stream])
            )
            memory.append(observations[stream], 0, 0.0, bool(ends[stream]))
            if ends[stream]:  # keras-rl2's extra entry: the final observation
                memory.append(observations[stream], 0, 0.0, False)
        starts = ends


def test_a_single_bool_applies_to_every_game():
    windows = RunningWindows(2, 3, (1,))
    windows.push(slice(None), np.array([[1], [2]], np.uint8), True)
    windows.push(slice(None), np.array([[3], [4]], np.uint8), False)
    assert windows.states[..., 0].tolist() == [[0, 1, 3], [0, 2, 4]]
    windows.push(slice(None), np.array([[5], [6]], np.uint8), True)
    assert windows.states[..., 0].tolist() == [[0, 0, 5], [0, 0, 6]]


def test_padding_with_the_first_observation():
    windows = RunningWindows(2, 3, (1,), padding="first")
    windows.push(slice(None), np.array([[1], [2]], np.uint8), True)
    assert windows.states[..., 0].tolist() == [[1, 1, 1], [2, 2, 2]]
    windows.push(slice(None), np.array([[3], [4]], np.uint8), False)
    assert windows.states[..., 0].tolist() == [[1, 1, 3], [2, 2, 4]]
    windows.push(slice(None), np.array([[5], [6]], np.uint8), np.array([False, True]))
    assert windows.states[..., 0].tolist() == [[1, 3, 5], [6, 6, 6]]
    windows.push(slice(1, 2), np.array([[7]], np.uint8), False)
    assert windows.states[..., 0].tolist() == [[1, 3, 5], [6, 6, 7]]


def test_a_window_of_one_needs_no_padding():
    windows = RunningWindows(2, 1, (1,), padding="first")
    windows.push(slice(None), np.array([[1], [2]], np.uint8), True)
    assert windows.states[..., 0].tolist() == [[1], [2]]
