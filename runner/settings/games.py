"""ALE's games by the names that users type. Imports neither TensorFlow nor Hydra."""

from __future__ import annotations

import contextlib
import difflib
import functools
import hashlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Final

from ale_py import ALEInterface, roms

from runner.errors import UserError
from runner.files import typed_path

# Listed by ALE 0.12, but without a one-player mode: loading them ends the process.
FOR_TWO_PLAYERS: Final = frozenset({"combat", "joust", "maze_craze", "warlords"})

_LARGEST_ROM: Final = 512 * 1024  # bytes
_TRIAL_SECONDS: Final = 30
_TRIAL: Final = """
import sys
from ale_py import Action, ALEInterface, LoggerMode
ALEInterface.setLoggerMode(LoggerMode.Error)
ale = ALEInterface()
ale.loadROM(sys.argv[1])
ale.reset_game()
for _ in range(60):
    ale.act(Action.NOOP)
"""


@functools.cache
def all_games() -> tuple[str, ...]:
    """The playable games of ALE's list (``space_invaders``, ``pong`` ...), sorted."""
    return tuple(sorted(set(roms.get_all_rom_ids()) - FOR_TWO_PLAYERS))


def squeezed(name: str) -> str:
    """``space_invaders``, ``SpaceInvaders`` and ``space-invaders`` -> ``spaceinvaders``."""
    return name.lower().replace("_", "").replace("-", "").replace(" ", "")


@functools.cache
def _by_squeezed_name() -> dict[str, str]:
    return {squeezed(game): game for game in all_games()}


def find_game(name: str) -> str:
    """Returns ALE's name of the game ``name``.

    Raises:
        UserError: There is no such game; the message lists the nearest names.
    """
    found = _by_squeezed_name().get(squeezed(name))
    if found is None:
        if squeezed(name) in map(squeezed, FOR_TWO_PLAYERS):
            raise UserError(f"env={name}: expected a game for one player (this one takes two)")
        near = difflib.get_close_matches(squeezed(name), _by_squeezed_name(), n=3, cutoff=0.5)
        hint = f"did you mean {' or '.join(near)}?" if near else "no such game;"
        raise UserError(
            f"env={name}: {hint} expected one of ALE's {len(all_games())} games "
            "(python -m runner.doctor --games lists them)"
        )
    return found


def rom_path(game: str, rom_dir: str | None) -> Path:
    """Returns the ROM of ``game``: ALE's, or the one in the user's folder.

    Args:
        game: ALE's name of the game.
        rom_dir: Folder with ``<game>.bin`` files, as AutoROM downloads them, or None.

    Raises:
        UserError: The folder or the ROM in it does not exist.
    """
    if rom_dir is None:
        try:
            with contextlib.redirect_stdout(None):  # it prints the value of ALE_ROMS_DIR
                return Path(str(roms.get_rom_path(game)))
        except OSError as error:  # missing or different in ALE_ROMS_DIR or the installation
            raise UserError(
                f"env={game}: expected ALE's {game}.bin; unset ALE_ROMS_DIR, "
                "or pip install --force-reinstall ale-py"
            ) from error
    folder = typed_path(rom_dir)
    if not folder.is_dir():
        raise UserError(f"env.rom_dir={rom_dir}: expected a folder with ROM files (no such folder)")
    for candidate in (folder / f"{game}.bin", folder / "ROM" / game / f"{game}.bin"):
        if candidate.is_file():
            return candidate
    raise UserError(f"env.rom_dir={rom_dir}: expected a folder that holds {game}.bin")


@functools.cache
def check_rom(game: str, rom_dir: str | None) -> None:
    """Checks that the ROM in the user's folder can be played as ``game``.

    ALE may hang or end the process with an unknown ROM, so such a ROM is first tried in a separate
    process with a time limit.

    Raises:
        UserError: The ROM belongs to another game, or cannot be played.
    """
    path = rom_path(game, rom_dir)
    if rom_dir is None:
        return
    allowed = f"env.rom_dir={rom_dir}: expected {path.name} to be a ROM of {game}"
    if path.stat().st_size > _LARGEST_ROM:
        raise UserError(f"{allowed} (it is larger than any ROM)")
    if ALEInterface.isSupportedROM(str(path)) is not None:
        return
    if other := _by_checksum().get(hashlib.md5(path.read_bytes()).hexdigest()):
        raise UserError(f"{allowed} (it is {other})")
    try:
        trial = [sys.executable, "-c", _TRIAL, str(path)]
        ended = subprocess.run(trial, capture_output=True, timeout=_TRIAL_SECONDS).returncode
    except subprocess.TimeoutExpired as error:
        raise UserError(f"{allowed} (ALE hangs with it)") from error
    if ended:
        raise UserError(f"{allowed} (ALE cannot play it)")


def _by_checksum() -> dict[str, str]:
    """Games by the MD5 sum of ALE's ROM."""
    sums = json.loads((Path(str(roms.__file__)).parent / "md5.json").read_text())
    return {md5: name.removesuffix(".bin") for name, md5 in sums.items()}
