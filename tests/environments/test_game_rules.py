"""Random frame skips, game starts, lives and time limits on the real games."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from ale_py import Action

from runner.environments.atari import AtariGame
from runner.environments.pool import EmulatorPool
from runner.environments.single import SingleGame

BALL_Y = 101  # byte of Breakout's RAM; 0: no ball in play


@pytest.fixture
def make_game(load):
    def make(*overrides):
        config = load("env=breakout", *overrides)
        return AtariGame(config.env, config.obs)

    return make


def play(game, actions):
    """All outputs while playing ``actions``, across games."""
    seen = []
    for action in actions:
        observation, reward, terminated, truncated, info = game.step(action)
        seen.append((observation.tobytes(), reward, terminated, truncated, *info.items()))
        if terminated or truncated:
            observation, info = game.reset()
            seen.append((observation.tobytes(), *info.items()))
    return seen


def test_frame_skips_are_drawn_uniformly(make_game):
    game = make_game("env.frame_skip=[2,3,4]")
    game.reset(seed=0)
    taken = []
    for _ in range(600):
        before = game.ale.getFrameNumber()
        taken.append(game.step(0)[4]["frames"])
        assert game.ale.getFrameNumber() - before == taken[-1]
    counts = [taken.count(skip) for skip in (2, 3, 4)]
    assert sum(counts) == 600
    # Expected count 200, standard deviation sqrt(600 / 3 * 2 / 3) = 11.5.
    assert all(150 < count < 250 for count in counts)
    game.reset(seed=0)
    assert [game.step(0)[4]["frames"] for _ in range(600)] == taken
    game.reset(seed=1)
    assert [game.step(0)[4]["frames"] for _ in range(600)] != taken


def test_one_frame_skip_draws_nothing(make_game):
    game = make_game("env.frame_skip=4")
    game.reset(seed=0)
    before = game.get_state()["generator"]
    play(game, [1, 2, 3])
    assert game.get_state()["generator"] == before


@pytest.mark.parametrize("obs", ["ram", "pixel", "raw"])
def test_the_saved_state_is_complete(make_game, obs):
    rules = [
        f"obs={obs}", "env.frame_skip=[2,3,4]", "env.noop_max=5", "env.start_moves_max=3",
        "env.fire_at_start=true", "env.terminal_on_life_loss=true", "env.life_loss_reward=-1",
        "env.max_steps=90", "env.truncation_reward=-2", "obs.zero_terminal_observation=true",
    ]  # fmt: skip
    ours, other = make_game(*rules), make_game(*rules)
    actions = np.random.default_rng(0).integers(4, size=200).tolist()
    ours.reset(seed=1)
    other.reset(seed=2)
    play(ours, actions[:77])
    for step in (40, 70, 200):  # within a game, across its end, across several
        other.set_state(ours.get_state())
        seen = play(ours, actions[:step])
        assert play(other, actions[:step]) == seen


def test_lost_lives_are_reported_with_each_life(make_game):
    """Including the last life, terminal or not; the episode return excludes it."""
    game = make_game("env.life_loss_reward=-0.5", "env.fire_at_start=true")
    game.reset(seed=0)
    told, lives = [], 5
    for _ in itertools.count():
        _, _, terminated, _, info = game.step(0)
        assert info["extra_reward"] == (-0.5 if info["lives"] < lives else 0.0)
        assert not info["life_lost"]
        told.append(info["extra_reward"])
        lives = info["lives"]
        if terminated:
            break
    assert sum(told) == -2.5
    assert info["episode_return"] == 0.0


def test_no_life_loss_in_a_game_without_lives(load):
    config = load("env=pong", "env.life_loss_reward=-1", "env.max_frames=3000")
    game = AtariGame(config.env, config.obs)
    game.reset(seed=0)
    lost = [game.step(0) for _ in range(700)]
    assert any(reward < 0 for _, reward, *_ in lost)
    assert not any(info["extra_reward"] for *_, info in lost)


@pytest.mark.parametrize("limit", ["env.max_steps=10", "env.max_frames=40"])
@pytest.mark.parametrize("terminal", [False, True])
def test_time_limit_reward_and_terminal(make_game, limit, terminal):
    game = make_game(limit, "env.truncation_reward=-1", f"env.truncation_is_terminal={terminal}")
    for _ in range(2):  # the step count restarts with every game
        game.reset(seed=0)
        steps = [game.step(0) for _ in range(10)]
        assert [info["extra_reward"] for *_, info in steps] == [0.0] * 9 + [-1.0]
        assert not any(terminated or truncated for _, _, terminated, truncated, _ in steps[:9])
        _, _, terminated, truncated, info = steps[-1]
        assert (terminated, truncated) == (terminal, not terminal)
        assert info["episode_length"] == 10


def test_fire_starts_every_life(make_game):
    game = make_game("env.fire_at_start=true", "env.repeat_action_probability=0")
    ram, info = game.reset(seed=0)
    assert info["frames"] == 4
    assert ram[BALL_Y] > 0
    lives, losses = 5, 0
    terminated = False
    while not terminated:
        ram, _, terminated, _, info = game.step(0)
        if info["lives"] < lives and not terminated:
            losses += 1
            assert info["frames"] == 8  # 4 of the step, 4 of FIRE
            assert ram[BALL_Y] > 0
        lives = info["lives"]
    assert losses == 4


def test_fire_is_not_pressed_by_default(make_game):
    game = make_game()
    _, info = game.reset(seed=0)
    assert info["frames"] == 0
    assert not any(game.step(0)[0][BALL_Y] for _ in range(100))


def test_fire_where_a_game_has_none(load):
    config = load("env=freeway", "env.fire_at_start=true", "env.start_moves_max=5")
    game = AtariGame(config.env, config.obs)
    assert Action.FIRE not in game.actions
    assert game.reset(seed=0)[1]["frames"] == 0


def test_a_game_starts_with_0_to_start_moves_max_moves(make_game, monkeypatch):
    game = make_game("env.start_moves_max=2", "env.fire_at_start=true", "env.frame_skip=[2,3]")
    played = []
    act = game._act
    monkeypatch.setattr(game, "_act", lambda action: played.append(action) or act(action))
    starts = set()
    game.reset(seed=0)
    for _ in range(60):
        played.clear()
        _, info = game.reset()
        assert info["frames"] == len(played)
        assert played[-3:] == [Action.FIRE] * 3  # FIRE comes last, as long as the longest step
        moves = [list(group) for group in np.array(played[:-3], object).reshape(-1, 3)]
        assert all(move == [move[0]] * 3 for move in moves)
        starts.add(tuple(move[0].name for move in moves))
    each = [(), ("LEFT",), ("RIGHT",), *itertools.product(("LEFT", "RIGHT"), repeat=2)]
    assert starts == set(each)


def test_a_pool_forwards_the_infos_of_its_games(load):
    config = load("env=breakout", "env.life_loss_reward=-1", "env.fire_at_start=true")
    pool = EmulatorPool(config.env, config.obs, 2, processes=1)
    game = AtariGame(config.env, config.obs)
    try:
        pool.reset(seed=[4, 5])
        game.reset(seed=4)
        told = []
        for _ in range(60):
            *_, infos = pool.step(np.zeros(2, np.int32))
            told.append(infos["extra_reward"][0])
            assert told[-1] == game.step(0)[4]["extra_reward"]
        assert -1.0 in told
    finally:
        pool.close()


def test_the_shaping_reward_is_added_for_keras_rl2(make_game):
    game = make_game("env.life_loss_reward=-1", "env.fire_at_start=true")
    single = SingleGame(game, seed=0)
    single.reset()
    lives, told = 5, []
    for _ in range(60):
        _, reward, _, info = single.step(0)
        assert reward - info["game_reward"] == (-1.0 if game.ale.lives() < lives else 0.0)
        lives = game.ale.lives()
        told.append(reward)
    assert -1.0 in told
