"""Positions and codes are found in random play."""

from __future__ import annotations

import numpy as np
import pytest
from played import LANES, in_nibbles, moving, one_byte, seen_in

from models.codes import Bit, find_code_bits
from models.positions import Position, find_positions, share_of_actions


@pytest.mark.parametrize(
    ("values", "lasting", "bits"),
    [
        (LANES, 10, [1, 6, 7]),  # bits 2 and 4 are copies of bit 1
        (LANES, 2, []),  # changes too often
        ([0, 64] * 60, 10, []),  # two values
        (np.arange(120) * 37, 10, []),  # too many values
        (np.arange(120) % 20, 10, []),  # moves a little at a time
        ([7] * 120, 10, []),
        ([0, 3, 0, 64] * 30, 10, [0, 6]),  # half of the changes are large
        ([*LANES, 8 + 22], 8, [1, 6, 7]),  # bit 3 is hardly ever set
    ],
)
def test_bits_of_bytes_with_codes(values, lasting, bits):
    found = find_code_bits(one_byte(values, lasting), count=8)
    assert sorted(found) == [Bit(0, bit) for bit in bits]


def test_bits_that_are_set_about_as_often_as_not_are_kept():
    (first, *others) = find_code_bits(one_byte(LANES), count=8)
    assert first == Bit(0, 1)  # set in four of six
    assert find_code_bits(one_byte(LANES), count=1) == [first]
    assert len(others) == 2


@pytest.mark.parametrize(
    ("bytes_", "found"),
    [
        (np.arange(4000) % 160, [0]),  # wraps around the screen
        (np.arange(4000) % 256, []),  # a counter
        (np.arange(4000) // 9 % 60, []),  # seconds
        (np.arange(4000) % 100 // 10 * 16 + np.arange(4000) % 10, []),  # decimal digits
        (np.abs(np.arange(4000) % 200 - 100), [0]),  # moves both ways
        (np.full(4000, 7), []),
        (np.arange(4000) // 50 % 120, []),  # rarely moves
    ],
)
def test_bytes_that_behave_like_positions(bytes_, found):
    seen = np.stack([bytes_, np.full_like(bytes_, 1)], axis=-1).astype(np.uint8)
    positions = find_positions(seen_in(seen.reshape(1000, 4, 2)), count=2)
    assert positions == [Position(byte) for byte in found]


def test_a_sprite_that_draws_one_object_and_then_another_is_dropped():
    """In Space Invaders a sprite shows the missile and the bombs in turn."""
    missile, bomb, third = (np.abs(np.arange(4000) * k % 280 - 140) + 4 for k in (2, 3, 5))
    in_turn = np.where(np.arange(4000) // 40 % 2, missile, bomb) + 6
    for path, found in ((third, True), (in_turn, False)):
        columns = np.stack([missile, bomb, in_nibbles(path)], axis=-1)
        windows = columns.astype(np.uint8).reshape(1000, 4, 3)
        positions = find_positions(seen_in(windows), count=3)
        assert (Position(2, nibbles=True) in positions) == found


def test_bytes_that_follow_the_joystick_rank_first():
    """Of three positions, the second moves one way with action 0 and the other with action 1."""
    seen = moving("walk", "walk", count=400)
    actions = np.arange(400) % 2
    after = seen[:, -1].copy()
    after[:, [0, 2]] += np.random.default_rng(1).integers(5, size=(400, 2), dtype=np.uint8)
    assert find_positions(seen_in(seen, actions, after), count=1) != [Position(1)]
    after[:, 1] += np.where(actions == 0, 4, 252).astype(np.uint8)
    assert find_positions(seen_in(seen, actions, after), count=1) == [Position(1)]


def test_share_of_actions():
    actions = np.array([0, 0, 1, 1], np.int32)
    moves = np.array([[3, 1, 0, 1], [3, -1, 0, 3], [-3, 1, 0, 5], [-3, -1, 0, 7]])
    # Last byte: 20 squared, 16 between actions, 4 within (2 degrees of freedom): (16 - 2) / 20.
    np.testing.assert_allclose(share_of_actions(moves, actions), [1, 0, 0, 0.7])


@pytest.mark.parametrize(("late", "found"), [(0, 1), (2, 1), (20, 2)])
def test_a_delayed_copy_is_dropped(late, found):
    """A byte that equals another byte some steps earlier; both change by at most 3."""
    path = np.random.default_rng(0).integers(-3, 4, size=4000).cumsum()
    both = np.stack([path, np.roll(path, late)], axis=-1)[late:][: 4 * 990]
    seen = (both % 256).astype(np.uint8).reshape(990, 4, 2)
    assert len(find_positions(seen_in(seen), count=2)) == found
