"""Random play, to which layers of the network adapt."""

from __future__ import annotations

from typing import Any

import numpy as np

from models.seen import Seen
from runner.environments.random_play import STARTS, random_play


def played(load: Any, *overrides: str, seed: int = 0) -> Seen:
    config = load("env=breakout", "env.protocol=nature", *overrides)
    return random_play(config.env, config.obs, seed, steps=STARTS * 40)


def test_the_same_seed_plays_the_same(load: Any) -> None:
    first, second, other = (played(load, seed=seed) for seed in (3, 3, 4))
    for ours, theirs in zip(first, second, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert (first.actions != other.actions).any()


def test_windows_are_consecutive_and_start_empty(load: Any) -> None:
    seen = played(load)
    assert seen.windows.shape == (STARTS * 40, 3, 128)
    assert not seen.windows[::40, :2].any()
    assert seen.windows[::40, 2].any(axis=-1).all()
    np.testing.assert_array_equal(seen.windows[1:40, 1], seen.windows[:39, 2])
    np.testing.assert_array_equal(seen.windows[1:40, 2], seen.after[:39])


def test_every_other_start_repeats_actions(load: Any) -> None:
    actions = played(load).actions.reshape(STARTS, 40)
    repeated = (actions[:, 1:] == actions[:, :-1]).mean(axis=1)
    assert repeated[1::2].mean() > repeated[::2].mean() + 0.2  # four actions: 1/4 by chance


def test_screens_are_played_too(load: Any) -> None:
    seen = played(load, "obs=both")
    assert seen.windows.shape[1:] == (3, 128 + 42 * 42)
    assert seen.after[:, 128:].any()
