"""Names of bytes, and their comparison with published labels."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final

from runner.atlas.classify import Byte
from runner.atlas.intervene import Box

# Meaning of a published name, by the first matching pattern.
_EXPECTED: Final = (
    (r"score", "score"),
    (r"lives", "lives"),
    (r"(^|_)x(_|$)|_x\d*$", "x"),
    (r"(^|_)y(_|$)|_y\d*$", "y"),
    (r"^(blocks?|bricks?|invaders_row)_\d+$", "bitmap"),
)
# Meanings that contradict another label.
_SHOWN: Final = {"x", "y", "score", "lives", "clock", "bitmap", "joystick", "speed"}


def expected(label: str) -> str:
    """Meaning of ``label``: "x", "y", "score", "lives", "bitmap"; "" if none of them."""
    return next((kind for pattern, kind in _EXPECTED if re.search(pattern, label)), "")


def meaning(byte: Byte, found: list[Byte]) -> str:
    """Meaning found for the byte, or for the byte that it copies, in the terms of ``expected``."""
    if byte.kind == "copy" and byte.of is not None:
        byte = found[byte.of]
    return byte.axis if byte.kind == "position" else byte.kind


def verdict(label: str, byte: Byte, found: list[Byte]) -> str:
    """Whether the label is ``found``, ``missed`` or ``wrong``; "" if its meaning is not tested."""
    wanted, shown = expected(label), meaning(byte, found)
    if not wanted:
        return ""
    if wanted == shown:
        return "found"
    if shown in _SHOWN or (not byte.effect and byte.write != "varies"):
        return "wrong"
    return "missed"


def verdicts(labels: Mapping[str, int], found: list[Byte]) -> dict[str, str]:
    """Verdicts by published name; of several names of a byte, only the best match counts."""
    each = {label: verdict(label, found[address], found) for label, address in labels.items()}
    fitting = {labels[label] for label, word in each.items() if word == "found"}
    return {
        label: word
        for label, word in each.items()
        if word == "found" or (word and labels[label] not in fitting)
    }


def ram_map(found: Iterable[Byte]) -> dict[str, int]:
    """Addresses by name, in the format of encoders; x and y of a sprite share a base name."""
    names: dict[str, int] = {}
    sprites: list[tuple[str, Box, int]] = []  # base name, box and its state
    # Bytes whose writes persist come first: they are the position itself, not a copy of it.
    for byte in sorted(found, key=lambda byte: byte.write == "is overwritten"):
        if byte.kind == "position" and byte.box is not None:
            same = [base for base, *place in sprites if place == [byte.box, byte.state]]
            base = next((base for base in same if f"{base}_{byte.axis}" not in names), None)
            if base is None:
                bases = {base for base, *_ in sprites}
                is_player = byte.follows and "player" not in bases
                base = "player" if is_player else f"sprite_{len(bases)}"
            sprites.append((base, byte.box, byte.state))
            name = f"{base}_{byte.axis}"
        elif byte.kind in ("score", "lives", "clock", "speed", "bitmap", "counter"):
            name = f"{byte.kind}_{byte.address}"
        else:
            continue
        names[name if name not in names else f"{name}_{byte.address}"] = byte.address
    return dict(sorted(names.items(), key=lambda item: item[1]))


def ram_map_text(game: str, names: Mapping[str, int], found: list[Byte]) -> str:
    """The file: YAML, with the findings as comments."""
    head = (
        f"# RAM bytes of {game}, found by python -m runner.atlas env={game}; correct and rename\n"
        "# as needed.\n"
    )
    lines = (f"{name}: {address}  # {found[address].said}" for name, address in names.items())
    return head + "\n".join(lines) + "\n" if names else head + "{}\n"
