"""Features by byte: what conf/features says of a game's RAM is so in the real game."""

from __future__ import annotations

import pytest

from runner.environments.atari import AtariGame
from runner.settings.addresses import parse_place
from runner.settings.compose import CONF_DIR

GAMES = sorted(path.stem for path in (CONF_DIR / "features").glob("*.yaml") if path.stem != "none")

# What is held down for 20 steps, the byte that says where the agent is, and the way it goes.
MOVES = [
    ("breakout", "RIGHT", 72, +1),
    ("freeway", "UP", 14, +1),
    ("pong", "RIGHT", 51, -1),  # up
    ("seaquest", "RIGHT", 70, +1),
    ("seaquest", "DOWN", 97, +1),
    ("space_invaders", "RIGHT", 28, +1),
]


def test_every_game_with_features_is_held_against_its_emulator():
    assert sorted({game for game, *_ in MOVES}) == GAMES


@pytest.mark.parametrize(("game", "action", "byte", "way"), MOVES)
def test_a_byte_says_where_the_agent_is(load, game, action, byte, way):
    config = load(
        f"env={game}", f"features={game}", "env.repeat_action_probability=0", "env.noop_max=0"
    )
    slots = [tile for slot in config.model.slots for tile in slot.tiles]
    assert byte in {parse_place(tile).byte for tile in [*config.model.tiles, *slots]}
    emulator = AtariGame(config.env, config.obs)
    emulator.reset(seed=1)
    meanings = list(emulator.action_meanings())
    if "FIRE" in meanings:  # the ball
        emulator.step(meanings.index("FIRE"))
    for _ in range(60):  # until the game has begun
        emulator.step(meanings.index("NOOP"))
    before = int(emulator.step(meanings.index("NOOP"))[0][byte])
    for _ in range(20):
        after = int(emulator.step(meanings.index(action))[0][byte])
    assert way * (after - before) > 5
