"""A restored game continues exactly like the saved one, for every game."""

from __future__ import annotations

import numpy as np
import pytest
from marks import THOROUGH, slow_but

from runner.environments.atari import AtariGame
from runner.settings.games import all_games

# Frames end unfinished: after a reset in the first two, while the computer thinks in the last.
UNFINISHED_FRAMES = ("qbert", "tetris", "tic_tac_toe_3d")
RULES = [
    (f"env.protocol={protocol}", f"env.frame_skip={skip}")
    for protocol in ("v5", "machado")
    for skip in ("4", "[2,3,4]")
]
SAVED_AT = (0, 1, 2, 8, 9, 20, 50)  # in agent steps
STEPS_TO_LOSE_A_LIFE = 500
STEPS_COMPARED = 4


def play(game, actions):
    seen = []
    for action in actions:
        observation, reward, terminated, truncated, info = game.step(int(action))
        seen.append((observation.tobytes(), reward, terminated, truncated, info["lives"]))
        if terminated or truncated:
            seen.append(game.reset()[0].tobytes())
    return seen


def assert_continues(load, rules, until_life_lost=False):
    """Saves a game at several steps, continues, and replays on other emulators."""
    config = load(*rules)
    ours, other = AtariGame(config.env, config.obs), AtariGame(config.env, config.obs)
    ours.reset(seed=1)
    random = np.random.default_rng(0)
    lost = False
    for step in range(STEPS_TO_LOSE_A_LIFE if until_life_lost else SAVED_AT[-1] + 1):
        if step in SAVED_AT or lost:
            state = ours.get_state()
            actions = random.integers(ours.action_space.n, size=STEPS_COMPARED)
            expected = play(ours, actions)
            other.reset()
            for where in ("after a reset", "in another game"):
                other.set_state(state)
                assert play(other, actions) == expected, (step, where)
            if lost:
                return
        lives = ours.ale.lives()
        play(ours, [random.integers(ours.action_space.n)])
        lost = until_life_lost and ours.ale.lives() < lives


@pytest.mark.parametrize(
    "game", slow_but({"qbert", "pong"}, [*UNFINISHED_FRAMES, "pong", "breakout"])
)
def test_a_saved_game_continues(load, game):
    for rules in RULES:
        assert_continues(load, (f"env={game}", *rules))


@pytest.mark.parametrize("game", ["qbert", "pong"])
def test_a_restored_game_has_the_same_observation(load, game):
    assert_continues(load, (f"env={game}", "obs=pixel", *RULES[-1]))


@pytest.mark.slow
@pytest.mark.parametrize("game", all_games() if THOROUGH else all_games()[::4])
def test_every_saved_game_continues(load, game):
    """Thorough: every game under all rules; otherwise one of the rules per game, in turn."""
    turn = all_games().index(game) % len(RULES)
    for rules in RULES if THOROUGH else [RULES[turn]]:
        assert_continues(load, (f"env={game}", *rules), until_life_lost=rules == RULES[0])
