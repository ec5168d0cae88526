"""Names of RAM bytes, from ``runner/data/ram_map/<game>.yaml``."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Final

import yaml

from models.ram import Ram

FOLDER: Final = Path(__file__).parent / "data" / "ram_map"


@cache
def ram_map(game: str) -> dict[str, int]:
    """Addresses (0 to 127) by name; empty for a game that has no map.

    Args:
        game: ALE's name, such as ``space_invaders``.
    """
    path = FOLDER / f"{game}.yaml"
    return dict(yaml.safe_load(path.read_text())) if path.is_file() else {}


def ram_of(game: str, seen: Sequence[int] | None = None) -> Ram:
    """Names and addresses of the bytes in an observation of ``game``.

    Args:
        game: ALE's name.
        seen: ``obs.bytes``: the observed addresses; None: all.
    """
    return Ram(ram_map(game), seen)
