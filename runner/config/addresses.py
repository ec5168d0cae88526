"""Bytes of the console's RAM by address, as settings name them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

RAM_BYTES: Final = 128


def tile_addresses(tile: str) -> list[int]:
    """The addresses of an entry of ``model.tiles``: one of ``70``, two of ``70-30``.

    Raises:
        ValueError: It is neither a byte of the RAM nor a difference of two.
    """
    addresses = [int(part) for part in tile.split("-")]
    if len(addresses) > 2 or not all(0 <= address < RAM_BYTES for address in addresses):
        raise ValueError(tile)
    return addresses


def is_tile(tile: str) -> bool:
    """Whether ``tile`` is an entry of ``model.tiles``."""
    try:
        tile_addresses(tile)
    except ValueError:
        return False
    return True


def places(addresses: Sequence[int], seen: Sequence[int] | None) -> list[int]:
    """Where in an observation the bytes of ``addresses`` are.

    Args:
        addresses: Of the RAM.
        seen: ``obs.bytes``, the addresses that an observation consists of; None: all.

    Raises:
        ValueError: One of them is not seen.
    """
    return list(addresses) if seen is None else [list(seen).index(k) for k in addresses]
