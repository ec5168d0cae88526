"""One game, compared with ALE's environment and Gymnasium's preprocessing."""

from __future__ import annotations

import ale_py
import gymnasium
import numpy as np
import pytest
from gymnasium.wrappers import AtariPreprocessing
from marks import slow_but

from runner.environments.atari import AtariGame

gymnasium.register_envs(ale_py)

# Flicker, many lives, paddle, no lives.
GAMES = {
    "space_invaders": "SpaceInvaders",
    "breakout": "Breakout",
    "seaquest": "Seaquest",
    "pong": "Pong",
}


@pytest.fixture
def make_game(load):
    def make(*overrides):
        config = load(*overrides)
        return AtariGame(config.env, config.obs)

    return make


def random_actions(game, count, seed=0):
    return np.random.default_rng(seed).integers(game.action_space.n, size=count).tolist()


def play(game, actions):
    """All outputs while playing ``actions``, across games."""
    seen = []
    for action in actions:
        observation, reward, terminated, truncated, info = game.step(action)
        seen.append((observation.tobytes(), reward, terminated, truncated, info["lives"]))
        if terminated or truncated:
            observation, info = game.reset()
            seen.append((observation.tobytes(), info["lives"], info["frames"]))
    return seen


@pytest.mark.parametrize("game", slow_but({"pong"}, GAMES))
def test_screens_match_gymnasiums_preprocessing(make_game, game):
    ours = make_game(f"env={game}", "obs=pixel", "model=nature", "env.max_frames=1200")
    reference = AtariPreprocessing(
        gymnasium.make(
            f"ALE/{GAMES[game]}-v5",
            frameskip=1,
            repeat_action_probability=0.25,
            max_num_frames_per_episode=1200,
        ),
        noop_max=0,
    )
    np.testing.assert_array_equal(ours.reset(seed=3)[0], reference.reset(seed=3)[0])
    ended = 0
    for action in random_actions(ours, 800):
        observation, *rest, info = ours.step(action)
        expected, *expected_rest, expected_info = reference.step(action)
        assert rest == expected_rest
        assert info["lives"] == expected_info["lives"]
        if rest[1] or rest[2]:
            # Final screens differ: if a game ends within a step, the reference pools older frames,
            # ours the last two.
            observation, _ = ours.reset()
            expected, _ = reference.reset()
            ended += 1
        np.testing.assert_array_equal(observation, expected)
    assert ended >= 2


@pytest.mark.parametrize("game", slow_but({"pong"}, GAMES))
def test_ram_and_rewards_match_ale(make_game, game):
    ours = make_game(f"env={game}", "obs=ram")
    reference = gymnasium.make(
        f"ALE/{GAMES[game]}-v5", frameskip=1, obs_type="ram", repeat_action_probability=0.25
    )
    np.testing.assert_array_equal(ours.reset(seed=5)[0], reference.reset(seed=5)[0])
    points = 0.0
    for action in random_actions(ours, 800):
        observation, reward, terminated, truncated, _ = ours.step(action)
        expected_reward = 0.0
        for _ in range(4):
            expected, frame_reward, over, cut, _ = reference.step(action)
            expected_reward += frame_reward
            if over or cut:
                break
        assert (reward, terminated, truncated) == (expected_reward, over, cut)
        np.testing.assert_array_equal(observation, expected)
        points += abs(reward)
        if over:
            np.testing.assert_array_equal(ours.reset()[0], reference.reset()[0])
    assert points > 0


def test_the_same_seed_is_the_same_game_and_another_is_another(make_game):
    game = make_game(
        "env=space_invaders", "env.protocol=nature", "env.repeat_action_probability=0.25"
    )
    actions = random_actions(game, 300)
    games = []
    for seed in (1, 1, 2):
        game.reset(seed=seed)
        games.append(play(game, actions))
    assert games[0] == games[1]
    assert games[0] != games[2]


@pytest.mark.parametrize("obs", ["ram", "pixel"])
@pytest.mark.parametrize("skip", [1, 2, 4])
def test_a_step_is_exactly_frame_skip_frames(make_game, obs, skip):
    game = make_game("env=breakout", f"obs={obs}", f"env.frame_skip={skip}")
    game.reset(seed=0)
    for _ in range(20):
        before = game.ale.getFrameNumber()
        *_, info = game.step(1)
        assert game.ale.getFrameNumber() - before == skip == info["frames"]


@pytest.mark.parametrize(("obs", "shape"), [("ram", (128,)), ("pixel", (42, 42))])
def test_observations_lie_in_their_space(make_game, obs, shape):
    game = make_game("env=pong", f"obs={obs}")
    first, _ = game.reset(seed=0)
    second, *_ = game.step(0)
    for observation in (first, second):
        assert observation.dtype == np.uint8
        assert observation.shape == shape
        assert game.observation_space.contains(observation)
    # The memory keeps references: observations must not change afterwards.
    assert not np.shares_memory(first, second)


def test_screens_of_other_sizes(make_game):
    game = make_game("env=pong", "obs=pixel", "obs.height=50", "obs.width=60")
    assert game.reset(seed=0)[0].shape == (50, 60)


def test_actions_are_minimal_or_all_18(make_game):
    assert make_game("env=breakout").action_meanings() == ["NOOP", "FIRE", "RIGHT", "LEFT"]
    every = make_game("env=breakout", "env.full_actions=true")
    assert every.action_space.n == 18
    assert len(set(every.action_meanings())) == 18


def test_the_time_limit_truncates(make_game):
    game = make_game("env=space_invaders", "env.max_frames=400")
    game.reset(seed=0)
    steps = 0
    ended = False
    while not ended:
        _, _, terminated, truncated, info = game.step(0)
        ended = terminated or truncated
        steps += 1
    assert (terminated, truncated) == (False, True)
    assert steps == info["episode_length"] == 100
    assert not info["life_lost"]


def test_a_game_over_terminates(make_game):
    game = make_game("env=breakout", "env.terminal_on_life_loss=true")
    game.reset(seed=0)
    points, lost = 0.0, 0
    steps = 0
    for action in random_actions(game, 5000):
        steps += 1
        _, reward, terminated, truncated, info = game.step(action)
        points += reward
        lost += info["life_lost"]
        if terminated or truncated:
            break
    assert (terminated, truncated) == (True, False)
    assert info["lives"] == 0
    assert (info["episode_return"], info["episode_length"]) == (points, steps)
    # Four of five lives: losing the fifth ends the game and is no life loss.
    assert lost == 4


def test_lost_lives_are_reported_on_request(make_game):
    game = make_game("env=breakout", "env.terminal_on_life_loss=false")
    game.reset(seed=0)
    lives = set()
    for action in random_actions(game, 5000):
        *_, terminated, _, info = game.step(action)
        lives.add(info["lives"])
        assert not info["life_lost"]
        if terminated:
            break
    assert lives == {5, 4, 3, 2, 1, 0}


def test_points_are_never_clipped(make_game):
    game = make_game("env=space_invaders", "agent.reward_clip=1.0")
    game.reset(seed=0)
    rewards = {game.step(action)[1] for action in random_actions(game, 500)}
    assert rewards - {0.0}
    assert min(rewards - {0.0}) >= 5  # the lowest-scoring invader


def test_a_game_starts_with_1_to_noop_max_no_ops(make_game):
    game = make_game("env=pong", "env.noop_max=3")
    game.reset(seed=0)
    frames = set()
    for _ in range(40):
        _, info = game.reset()
        assert game.ale.getEpisodeFrameNumber() == info["frames"]
        frames.add(info["frames"])
    assert frames == {1, 2, 3}


def test_a_game_starts_without_no_ops_by_default(make_game):
    game = make_game("env=pong", "env.noop_max=0")
    assert game.reset(seed=0)[1]["frames"] == 0
    assert game.ale.getEpisodeFrameNumber() == 0


def test_rendering_shows_the_whole_screen(make_game):
    game = make_game("env=pong")
    game.reset(seed=0)
    assert game.render().shape == (210, 160, 3)


@pytest.mark.parametrize("game", slow_but({"pong"}, ["breakout", "pong"]))
def test_every_saved_state_continues_exactly(make_game, game):
    """At any step, sticky actions on: whether the last action sticks is part of the state."""
    ours, other = make_game(f"env={game}"), make_game(f"env={game}")
    ours.reset(seed=1)
    other.reset(seed=2)
    for step, action in enumerate(random_actions(ours, 200)):
        other.set_state(ours.get_state())
        seen, again = play(ours, [action]), play(other, [action])
        assert seen == again, step
        play(other, [0, 1])  # moves the other game to a different state


@pytest.mark.parametrize("obs", ["ram", "pixel"])
def test_a_restored_state_continues_exactly_across_games(make_game, obs):
    rules = ["env=breakout", f"obs={obs}", "env.noop_max=30", "env.terminal_on_life_loss=true"]
    ours, other = make_game(*rules), make_game(*rules)
    ours.reset(seed=1)
    play(ours, random_actions(ours, 123))
    state = ours.get_state()
    actions = random_actions(ours, 400, seed=1)
    seen = play(ours, actions)
    other.reset(seed=2)
    other.set_state(state)
    assert play(other, actions) == seen
    assert len(seen) > len(actions) + 1  # more than one game


def test_the_last_screen_is_part_of_the_state(make_game):
    """A game truncated in the first frame of a step pools it with the previous frame."""
    rules = ["env=breakout", "obs=pixel", "env.max_frames=401"]
    ours, other = make_game(*rules), make_game(*rules)
    ours.reset(seed=1)
    play(ours, random_actions(ours, 100))
    other.reset(seed=2)
    other.set_state(ours.get_state())
    expected, _, _, truncated, info = ours.step(0)
    assert truncated
    assert info["frames"] == 1
    np.testing.assert_array_equal(other.step(0)[0], expected)
