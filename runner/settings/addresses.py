"""Bytes of the console's RAM by address, as settings name them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final, NamedTuple

RAM_BYTES: Final = 128
_PLACE: Final = re.compile(r"(\d+)(?:-(\d+))?(?:\+(\d+))?", re.ASCII)


class Place(NamedTuple):
    """A byte, less another unless that is None, plus a number."""

    byte: int
    less: int | None
    more: int

    @property
    def addresses(self) -> list[int]:
        """Of its bytes."""
        return [self.byte] if self.less is None else [self.byte, self.less]

    def seen(self, seen: Sequence[int] | None) -> Place:
        """The same by positions in an observation (see ``positions``)."""
        byte, *less = positions(self.addresses, seen)
        return self._replace(byte=byte, less=less[0] if less else None)


def parse_place(text: str) -> Place:
    """The meaning of ``70``, ``70-30``, ``70+24`` or ``70-30+24``.

    Raises:
        ValueError: It is none of them, or names what is no byte of the RAM.
    """
    match = _PLACE.fullmatch(text)
    if match is None:
        raise ValueError(text)
    byte, less, more = match.groups()
    parsed = Place(int(byte), None if less is None else int(less), int(more or 0))
    if max(parsed.addresses) >= RAM_BYTES or parsed.more > 255:
        raise ValueError(text)
    return parsed


def is_place(text: str) -> bool:
    """Whether ``text`` is a place."""
    try:
        parse_place(text)
    except ValueError:
        return False
    return True


def positions(addresses: Sequence[int], seen: Sequence[int] | None) -> list[int]:
    """Where in an observation the bytes of ``addresses`` are.

    Args:
        addresses: Of the RAM.
        seen: ``obs.bytes``, the addresses that an observation consists of; None: all.

    Raises:
        ValueError: One of them is not seen.
    """
    return list(addresses) if seen is None else [list(seen).index(k) for k in addresses]
