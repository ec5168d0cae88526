"""RAM bytes by address or name, and the notation for places and their differences.

Imports no Keras and reads no files: settings are checked with it before TensorFlow loads.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

RAM_BYTES: Final = 128
_PLACE: Final = re.compile(r"(\w+)\s*(?:-\s*(\w+))?", re.ASCII)
PLACES: Final = "distinct places such as 99, ball_x, ball_x - paddle_x"


class Place(NamedTuple):
    """Byte ``byte`` of an observation, minus byte ``less`` unless None, modulo 256."""

    byte: int
    less: int | None = None


@dataclass(frozen=True)
class Ram:
    """Names and addresses of the bytes in an observation.

    Args:
        names: Addresses by name (``ram_map``).
        seen: The addresses in an observation, in order; None: all.
    """

    names: Mapping[str, int] = field(default_factory=dict)
    seen: Sequence[int] | None = None

    def byte(self, text: Any) -> int:
        """Position in an observation of a byte given by name or address.

        Raises:
            ValueError: The byte does not exist or is not observed; the message lists valid bytes.
        """
        word = str(text)
        address = int(word) if word.isdecimal() else self.names.get(word, -1)
        if not 0 <= address < RAM_BYTES:
            raise ValueError(f"bytes from 0 to {RAM_BYTES - 1}{self._named(word)}")
        if self.seen is None:
            return address
        if address not in self.seen:
            raise ValueError(f"bytes of obs.bytes={list(self.seen)}")
        return list(self.seen).index(address)

    def place(self, text: Any) -> Place:
        """Parses ``99``, ``ball_x`` or ``ball_x - paddle_x``.

        Raises:
            ValueError: The text has another form, or refers to a byte that does not exist.
        """
        match = _PLACE.fullmatch(str(text).strip())
        if match is None:
            raise ValueError(PLACES)
        less = None if match[2] is None else self.byte(match[2])
        return Place(self.byte(match[1]), less)

    def label(self, position: int) -> str:
        """Name (if any) and address of the byte at a position of an observation."""
        address = position if self.seen is None else self.seen[position]
        names = [name for name, of in self.names.items() if of == address]
        return f"{names[0]} ({address})" if names else str(address)

    def _named(self, word: str) -> str:
        near = difflib.get_close_matches(word, list(self.names), n=1, cutoff=0.5)
        if near:
            return f" or names of this game's ram_map; did you mean {near[0]}?"
        return " or names of this game's ram_map" if self.names else " (this game has no ram_map)"
