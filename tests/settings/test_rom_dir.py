"""ROMs from a folder of the user's own."""

from __future__ import annotations

import shutil

import pytest

from runner.environments.atari import AtariGame
from runner.settings.games import rom_path


@pytest.mark.parametrize("place", ["breakout.bin", "ROM/breakout/breakout.bin"])
def test_a_game_is_played_from_the_users_folder(load, tmp_path, place):
    (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(rom_path("breakout", None), tmp_path / place)
    config = load("env=breakout", f"env.rom_dir={tmp_path}")
    assert rom_path("breakout", config.env.rom_dir) == tmp_path / place
    game = AtariGame(config.env, config.obs)
    observation, info = game.reset(seed=0)
    assert observation.any()
    assert info["lives"] == 5
