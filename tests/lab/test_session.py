"""A viewer's game on the real emulator: play, rewind, manual control, edited bytes."""

from __future__ import annotations

import numpy as np
import pytest

from runner.errors import UserError
from runner.lab.session import Session, action_of

BALL_X = 49


@pytest.fixture
def session(load):
    config = load("env=pong", "obs=ram", "env.repeat_action_probability=0")
    return Session(config, lambda states: np.array([[0, 0, 1, 0, 0, 0]], np.float32), seed=3)


def ram(session):
    return np.array(session.game.ale.getRAM())


def test_the_agent_plays_its_best_action(session):
    session.step()
    assert session.action == 2
    numbers, screen = session.shown()
    assert numbers["q"] == [0, 0, 1, 0, 0, 0]
    assert len(numbers["ram"]) == 128
    assert screen.startswith(b"\x89PNG")


def test_rewinding_and_playing_again_is_the_same_game(session):
    for _ in range(30):
        session.step()
    middle = ram(session)
    for _ in range(20):
        session.step()
    end = ram(session)
    session.rewind(20)
    np.testing.assert_array_equal(ram(session), middle)
    for _ in range(20):
        session.step()
    np.testing.assert_array_equal(ram(session), end)


def test_rewinding_ends_at_the_start(session):
    start = ram(session)
    for _ in range(3):
        session.step()
    session.rewind(1000)
    np.testing.assert_array_equal(ram(session), start)
    session.rewind(1)
    np.testing.assert_array_equal(ram(session), start)


def test_the_same_seed_is_the_same_game(session):
    session.step()
    played = ram(session)
    session.reset(3)
    session.step()
    np.testing.assert_array_equal(ram(session), played)


def test_edited_bytes_reach_the_agent(session):
    session.write(BALL_X, 77)
    assert ram(session)[BALL_X] == session.windows.states[0, -1, BALL_X] == 77


@pytest.mark.parametrize("obs", ["pixel", "both"])
def test_an_edited_byte_leaves_the_screen_that_the_agent_sees(load, obs):
    """It is the maximum of two frames; the flying ball is in different places of them."""
    config = load("env=pong", f"obs={obs}")
    session = Session(config, None, seed=3)
    before = None
    while before is None or np.array_equal(before, session.game.observe()):
        session.step()
        before = session.windows.states[0, -1].copy()
    session.write(BALL_X, 77)
    after = session.windows.states[0, -1]
    assert after.shape == before.shape
    if obs == "both":
        assert after[BALL_X] == 77
        before, after = before[128:], after[128:]
    np.testing.assert_array_equal(after, before)


def test_limits_of_training_do_not_end_the_game(load):
    session = Session(load("env=pong", "obs=ram", "env.max_steps=5"), None, seed=3)
    for _ in range(10):
        session.step()
    assert len(session.past) == 10


def test_a_frozen_byte_stays_until_released(session):
    seen = []
    for _ in range(40):
        session.step()
        seen.append(ram(session))
    counter = int((np.diff(seen, axis=0) != 0).sum(axis=0).argmax())  # changes most often
    session.freeze(counter, held=True)
    for _ in range(5):
        session.step()
        assert session.windows.states[0, -1, counter] == seen[-1][counter]
    session.freeze(counter, held=False)
    session.step()
    assert ram(session)[counter] != seen[-1][counter]


def test_outlining_a_byte_leaves_the_game_unchanged(session):
    for _ in range(40):
        session.step()
    before = ram(session)
    assert session.probe(54)  # the ball's height
    np.testing.assert_array_equal(ram(session), before)


def test_outlining_a_byte_in_an_unfinished_frame_leaves_the_game_unchanged(load):
    """Q*bert computes for several frames after a reset, without drawing."""
    played = []
    for is_outlined in (False, True):
        session = Session(load("env=qbert", "obs=ram"), None, seed=3)
        if is_outlined:
            session.probe(5)
        for _ in range(15):
            session.step()
        played.append(ram(session))
    np.testing.assert_array_equal(*played)


@pytest.mark.parametrize("refused", [(-1, 0), (128, 0), (0, 256), (0, -1), ("x", 1)])
def test_bytes_that_do_not_exist_are_refused(session, refused):
    with pytest.raises(UserError, match=r"expected an (address|integer)"):
        session.write(*refused)


NAMES = ["NOOP", "FIRE", "UP", "RIGHT", "UPRIGHT", "RIGHTFIRE", "UPRIGHTFIRE"]


@pytest.mark.parametrize(
    ("keys", "name"),
    [
        ([], "NOOP"),
        (["FIRE"], "FIRE"),
        (["UP"], "UP"),
        (["RIGHT", "FIRE"], "RIGHTFIRE"),
        (["UP", "RIGHT", "FIRE"], "UPRIGHTFIRE"),
        (["LEFT"], "NOOP"),  # not an action of this game
        (["LEFT", "FIRE"], "FIRE"),
    ],
)
def test_keys_select_the_best_matching_action(keys, name):
    assert NAMES[action_of(keys, NAMES)] == name


def test_a_viewer_without_an_agent_plays_by_keyboard(load):
    session = Session(load("env=pong", "obs=ram"), None, seed=0)
    session.keys = frozenset(["FIRE"])
    session.step()
    assert session.shown()[0]["q"] is None
    assert session.game.action_meanings()[session.action] == "FIRE"
