"""The games that ALE ships, under the names that users type; no TensorFlow, no Hydra in here."""

from __future__ import annotations

import difflib
import functools
from pathlib import Path

from ale_py import roms

from runner.errors import UserError


@functools.cache
def all_games() -> tuple[str, ...]:
    """ALE's own list of games (``space_invaders``, ``pong`` ...), sorted."""
    return tuple(sorted(roms.get_all_rom_ids()))


def squeezed(name: str) -> str:
    """``space_invaders``, ``SpaceInvaders`` and ``space-invaders`` -> ``spaceinvaders``."""
    return name.lower().replace("_", "").replace("-", "").replace(" ", "")


@functools.cache
def _by_squeezed_name() -> dict[str, str]:
    return {squeezed(game): game for game in all_games()}


def find_game(name: str) -> str:
    """Returns ALE's name of the game that ``name`` means.

    Raises:
        UserError: No game is called that; the line lists the nearest names.
    """
    found = _by_squeezed_name().get(squeezed(name))
    if found is None:
        near = difflib.get_close_matches(squeezed(name), _by_squeezed_name(), n=3, cutoff=0.5)
        hint = f"did you mean {' or '.join(near)}?" if near else "no such game;"
        raise UserError(
            f"env={name}: {hint} expected one of ALE's {len(all_games())} games "
            "(python -m runner.doctor --games lists them)"
        )
    return found


def rom_path(game: str, rom_dir: str | None) -> Path:
    """Returns the ROM of ``game``: ALE's own, or the one in the user's folder.

    Args:
        game: ALE's name of the game.
        rom_dir: Folder with ``<game>.bin`` files, as AutoROM downloads them, or None.

    Raises:
        UserError: The folder or the ROM in it does not exist.
    """
    if rom_dir is None:
        return Path(str(roms.get_rom_path(game)))
    folder = Path(rom_dir).expanduser()
    if not folder.is_dir():
        raise UserError(f"env.rom_dir={rom_dir}: expected a folder with ROM files (no such folder)")
    for candidate in (folder / f"{game}.bin", folder / "ROM" / game / f"{game}.bin"):
        if candidate.is_file():
            return candidate
    raise UserError(f"env.rom_dir={rom_dir}: expected a folder that holds {game}.bin")
