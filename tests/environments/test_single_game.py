"""One game with the old Gym interface that keras-rl2's loop expects."""

from __future__ import annotations

import numpy as np
import pytest

from runner.environments.atari import AtariGame
from runner.environments.build import make_games
from runner.environments.pool import EmulatorPool
from runner.environments.single import SingleGame


@pytest.fixture
def make_single(load):
    def make(*overrides):
        config = load("env=breakout", *overrides)
        game = AtariGame(config.env, config.obs)
        return game, SingleGame(game, seed=3)

    return make


def test_the_replay_is_the_same_game(load, make_single):
    _, single = make_single()
    config = load("env=breakout")
    reference = AtariGame(config.env, config.obs)
    np.testing.assert_array_equal(single.reset(), reference.reset(seed=3)[0])
    for action in np.random.default_rng(0).integers(4, size=400):
        observation, reward, done, info = single.step(action)
        expected, points, terminated, _, _ = reference.step(int(action))
        np.testing.assert_array_equal(observation, expected)
        assert (reward, done) == (points, terminated)
        assert info["game_over"] == terminated
        if done:
            np.testing.assert_array_equal(single.reset(), reference.reset()[0])


def test_a_lost_life_is_done_and_reset_continues_the_game(make_single):
    game, single = make_single("env.terminal_on_life_loss=true")
    single.reset()
    lost = 0
    for action in np.random.default_rng(0).integers(4, size=5000):
        observation, _, done, info = single.step(action)
        if not done:
            continue
        if info["game_over"]:
            break
        lost += 1
        frame, lives = game.ale.getEpisodeFrameNumber(), game.ale.lives()
        np.testing.assert_array_equal(single.reset(), observation)
        assert (game.ale.getEpisodeFrameNumber(), game.ale.lives()) == (frame, lives)
    assert lost == 4
    assert game.ale.game_over()
    single.reset()
    assert game.ale.getEpisodeFrameNumber() == 0
    assert game.ale.lives() == 5


def test_a_lost_life_is_not_done_by_default(make_single):
    game, single = make_single("env.terminal_on_life_loss=false")
    single.reset()
    done = False
    actions = iter(np.random.default_rng(0).integers(4, size=5000))
    while not done:
        _, _, done, info = single.step(next(actions))
    assert info["game_over"]
    assert game.ale.lives() == 0


def test_a_truncated_game_is_done(make_single):
    _, single = make_single("env.max_frames=40")
    single.reset()
    ends = [single.step(0)[2] for _ in range(10)]
    assert ends == [False] * 9 + [True]


def test_every_frame_is_counted_once(make_single):
    game, single = make_single("env.noop_max=30")
    single.reset()
    frames = sum(single.step(0)[3]["frames"] for _ in range(10))
    assert frames == game.ale.getEpisodeFrameNumber() > 40  # includes the no-ops


@pytest.mark.parametrize(
    ("typed", "kind"),
    [(["env.num_envs=2"], EmulatorPool), (["agent=dqn", "memory=sequential"], SingleGame)],
)
def test_num_envs_and_memory_select_the_environment_class(load, typed, kind):
    games = make_games(load("env=breakout", *typed))
    try:
        assert type(games) is kind
    finally:
        games.close()
