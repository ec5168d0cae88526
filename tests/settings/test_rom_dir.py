"""Loadable games, and ROMs from a user's folder."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from ale_py import roms
from marks import THOROUGH

from runner.environments.atari import AtariGame
from runner.errors import UserError
from runner.settings import games
from runner.settings.games import FOR_TWO_PLAYERS, all_games, check_rom, find_game, rom_path


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


def pong():
    return bytearray(rom_path("pong", None).read_bytes())


def test_a_modified_rom_that_plays_is_accepted(tmp_path):
    rom = pong()
    rom[-30] ^= 1
    (tmp_path / "pong.bin").write_bytes(rom)
    check_rom("pong", str(tmp_path))


@pytest.mark.parametrize(
    ("game", "rom", "why"),
    [
        ("breakout", pong(), "expected breakout.bin to be a ROM of breakout (it is pong)"),
        ("pong", bytes(2048), "ALE hangs with it"),
        ("pong", b"", "ALE cannot play it"),
        ("pong", b"no ROM", "ALE"),
        ("pong", bytes(2**20), "larger than any"),
    ],
)
def test_a_rom_that_cannot_be_played_is_refused(tmp_path, monkeypatch, game, rom, why):
    monkeypatch.setattr(games, "_TRIAL_SECONDS", 3)
    (tmp_path / f"{game}.bin").write_bytes(rom)
    with pytest.raises(UserError, match=re.escape(why)) as caught:
        check_rom(game, str(tmp_path))
    assert "\n" not in str(caught.value)


def test_a_fifo_is_refused_as_a_rom(tmp_path):
    os.mkfifo(tmp_path / "pong.bin")
    with pytest.raises(UserError, match="expected a folder that holds"):
        check_rom("pong", str(tmp_path))


def test_ales_rom_folder_lacks_the_game(tmp_path, monkeypatch):
    monkeypatch.setenv("ALE_ROMS_DIR", str(tmp_path))
    with pytest.raises(UserError, match="ALE_ROMS_DIR"):
        rom_path("pong", None)


@pytest.mark.parametrize("name", ["combat", "MazeCraze", "joust", "warlords"])
def test_games_for_two_players_are_not_listed(name):
    with pytest.raises(UserError, match="for one player"):
        find_game(name)


def loads(rom: Path) -> bool:
    trial = [sys.executable, "-c", games._TRIAL, str(rom)]
    return subprocess.run(trial, capture_output=True, timeout=120).returncode == 0


def test_a_game_for_two_players_does_not_load():
    assert not loads(Path(roms.__file__).with_name("combat.bin"))


@pytest.mark.slow
def test_listed_games_load():
    folder = Path(roms.__file__).parent
    every = [name.removesuffix(".bin") for name in json.loads((folder / "md5.json").read_text())]
    assert set(all_games()) == set(every) - FOR_TWO_PLAYERS
    tried = every if THOROUGH else [*FOR_TWO_PLAYERS, *every[::10]]
    loaded = {game for game in tried if loads(folder / f"{game}.bin")}
    assert loaded == set(tried) - FOR_TWO_PLAYERS
