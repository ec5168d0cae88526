"""Named bytes: the RAM maps match the real games."""

from __future__ import annotations

import re

import pytest

from models.ram import RAM_BYTES
from runner.environments.atari import AtariGame
from runner.ram_maps import FOLDER, ram_map
from runner.settings.games import all_games

MAPS = sorted(path.stem for path in FOLDER.glob("*.yaml"))

# Action held for 20 steps, byte of the player's position, and its direction of change.
MOVES = [
    ("breakout", "RIGHT", "paddle_x", +1),
    ("freeway", "UP", "player_y", +1),
    ("pong", "RIGHT", "paddle_y", -1),  # up
    ("seaquest", "RIGHT", "player_x", +1),
    ("seaquest", "DOWN", "player_y", +1),
    ("space_invaders", "RIGHT", "player_x", +1),
]


@pytest.mark.parametrize("game", MAPS)
def test_a_ram_map_names_bytes(game):
    assert game in all_games()
    names = ram_map(game)
    assert names
    for name, address in names.items():
        assert re.fullmatch("[a-z][a-z0-9_]*", name)
        assert 0 <= address < RAM_BYTES
    assert "github.com/" in (FOLDER / f"{game}.yaml").read_text()  # the source of the map


@pytest.mark.parametrize(("game", "action", "name", "way"), MOVES)
def test_a_byte_holds_the_player_position(load, game, action, name, way):
    config = load(f"env={game}", "env.repeat_action_probability=0", "env.noop_max=0")
    byte = ram_map(game)[name]
    emulator = AtariGame(config.env, config.obs)
    emulator.reset(seed=1)
    meanings = list(emulator.action_meanings())
    if "FIRE" in meanings:  # serves the ball
        emulator.step(meanings.index("FIRE"))
    for _ in range(60):  # waits for the game to start
        emulator.step(meanings.index("NOOP"))
    before = int(emulator.step(meanings.index("NOOP"))[0][byte])
    for _ in range(20):
        after = int(emulator.step(meanings.index(action))[0][byte])
    assert way * (after - before) > 5
