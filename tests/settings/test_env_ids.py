"""Old environment names keep their game and rules."""

from __future__ import annotations

import pytest

from runner.errors import UserError
from runner.settings import compose, sweeps
from runner.settings.env_ids import all_ids

DRAWN = [2, 3, 4]

#   name                                 game              ram    skip   sticky max_steps
TABLE = [
    ("SpaceInvaders-v0",                 "space_invaders", False, DRAWN, 0.25, 10_000),
    ("SpaceInvaders-ram-v0",             "space_invaders", True,  DRAWN, 0.25, 10_000),
    ("SpaceInvadersDeterministic-v0",    "space_invaders", False, 3,     0.25, 100_000),
    ("SpaceInvadersNoFrameskip-v4",      "space_invaders", False, 1,     0.0,  300_000),
    ("Breakout-v0",                      "breakout",       False, DRAWN, 0.25, 10_000),
    ("Breakout-v4",                      "breakout",       False, DRAWN, 0.0,  100_000),
    ("BreakoutDeterministic-v0",         "breakout",       False, 4,     0.25, 100_000),
    ("BreakoutDeterministic-v4",         "breakout",       False, 4,     0.0,  100_000),
    ("BreakoutNoFrameskip-v0",           "breakout",       False, 1,     0.25, 400_000),
    ("Breakout-ramDeterministic-v4",     "breakout",       True,  4,     0.0,  100_000),
    ("Pong-v4",                          "pong",           False, DRAWN, 0.0,  100_000),
    ("PongNoFrameskip-v4",               "pong",           False, 1,     0.0,  400_000),
    ("Pong-ramNoFrameskip-v4",           "pong",           True,  1,     0.0,  400_000),
    ("MsPacman-v0",                      "ms_pacman",      False, DRAWN, 0.25, 10_000),
    ("ALE/Pong-v5",                      "pong",           False, 4,     0.25, None),
    ("ALE/Pong-ram-v5",                  "pong",           True,  4,     0.25, None),
    ("ALE/SpaceInvaders-v5",             "space_invaders", False, 4,     0.25, None),
]  # fmt: skip


@pytest.mark.parametrize(("name", "game", "ram", "skip", "repeats", "steps"), TABLE)
def test_environment_names_keep_their_rules(load, name, game, ram, skip, repeats, steps):
    config = load(f"env.id={name}")
    env = config.env
    assert (env.id, env.game, env.frame_skip) == (name, game, skip)
    assert (env.repeat_action_probability, env.max_steps) == (repeats, steps)
    assert env.max_frames == (108_000 if name.startswith("ALE/") else 400_000)
    assert config.obs.name == ("ram" if ram else "pixel")
    assert config.model.name == ("dense" if ram else "conv")


def test_every_game_has_the_names_of_gym_and_of_ale():
    assert len(all_ids()) == 14 * len({env_id.game for env_id in all_ids().values()})
    assert len(all_ids()) > 1400


def test_overrides_beat_the_name_and_the_name_its_protocol(load):
    env = load("env.id=Pong-v4", "env.repeat_action_probability=0.1", "env.frame_skip=[3]").env
    assert (env.repeat_action_probability, env.frame_skip, env.max_steps) == (0.1, [3], 100_000)
    env = load("env.id=Pong-v4", "env.protocol=nature").env
    assert (
        env.repeat_action_probability,
        env.frame_skip,
        env.noop_max,
        env.terminal_on_life_loss,
    ) == (0.0, DRAWN, 30, True)


def test_obs_override_beats_the_environment_name(load):
    assert load("env.id=Pong-ram-v4", "obs=pixel").obs.name == "pixel"
    assert load("obs=ram", "env.id=Pong-v4").obs.name == "ram"


def test_a_game_may_be_named_twice_if_it_is_the_same(load):
    assert load("env=space_invaders", "env.id=SpaceInvaders-v0").env.game == "space_invaders"


@pytest.mark.parametrize(
    ("typed", "parts"),
    [
        (["env.id=Brekout-v0"], ["env.id=Brekout-v0", "such as Breakout-v0"]),
        (["env.id=breakout-v4"], ["env.id=breakout-v4", "such as Breakout-v4"]),
        (["env.id=Pong-v5"], ["env.id=Pong-v5", "Pong"]),
        (["env.id=ALE/Pnog-v5"], ["env.id=ALE/Pnog-v5", "such as ALE/Pong-v5"]),
        (["env.id=CartPole-v1"], ["env.id=CartPole-v1", "a name of Gym 0.18 or ALE"]),
        (["env=pong", "env.id=Breakout-v0"], ["env.id=Breakout-v0", "env=pong"]),
        (["env.id=Breakout-v0", "env=space_invaders"], ["env.id=Breakout-v0", "space_invaders"]),
        (["env.game=pong", "env.id=Breakout-v0"], ["env.id=Breakout-v0", "env.game=pong"]),
    ],
)
def test_a_wrong_name_is_refused_in_one_line(typed, parts):
    with pytest.raises(UserError) as caught:
        compose.load(["memory.limit=20000", *typed])
    text = str(caught.value)
    assert "\n" not in text
    assert all(part in text for part in parts), text


def test_names_can_be_swept():
    plan = sweeps.plan(["env.id=Pong-ram-v4,Breakout-v0", "memory.limit=20000"])
    configs = [run.config for run in plan.runs]
    assert [(c.env.game, c.obs.name) for c in configs] == [("pong", "ram"), ("breakout", "pixel")]
