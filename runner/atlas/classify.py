"""Classifies each byte from observations and interventions."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.positions import pixels
from runner.atlas.intervene import Box, Effects, Move
from runner.atlas.observe import Record

SURE: Final = 0.97  # share that counts as (almost) always
LARGEST_COUNT: Final = 16  # largest increment of a counter
FEW: Final = 4  # most values of a flag
LEAST: Final = 0.1  # share of all changes of a byte that must move a sprite
MOVES: Final = 0.4  # share of a byte's visible changes that must move a sprite along one axis


@dataclass
class Byte:
    """Findings for one byte."""

    address: int
    kind: str
    said: str  # description
    values: int  # number of distinct values in play
    write: str  # fate of a write: "persists", "is overwritten", "varies"
    axis: str = ""  # of a position
    scale: float = 0.0  # pixels per unit, signed; 0: not constant
    follows: str = ""  # axis of the joystick: "x" or "y"
    of: int | None = None  # the byte that this one copies
    box: Box | None = None  # part of the screen that moved or changed
    state: int = 0  # number of the state in which it did
    effect: bool = False  # whether a write ever changed the screen


def classify(record: Record, effects: list[Effects], steered: dict[int, str]) -> list[Byte]:
    """Classifies the bytes, in order of address."""
    found = []
    for address, effect in enumerate(effects):
        values = record.ram[:, address]
        byte = Byte(
            address, "unknown", "", len(np.unique(values)), _write(effect),
            follows=steered.get(address, ""), box=effect.box, state=effect.state,
            effect=effect.seen > 0,
        )  # fmt: skip
        for kind, said in _kinds(byte, values, record, effect):
            if said:
                byte.kind, byte.said = kind, said
                break
        found.append(byte)
    for byte, other in _speeds(effects, found):
        byte.kind, byte.of = "speed", other
        byte.said = f"speed along {byte.axis} of the object with position {other}"
    for byte, other, difference in _copies(record, found):
        byte.kind, byte.of = "copy", other
        byte.said = f"always {other} {'+' if difference >= 0 else '-'} {abs(difference)}"
    return found


def _write(effect: Effects) -> str:
    for share, word in ((effect.persisted, "persists"), (effect.overwritten, "is overwritten")):
        if share >= 0.8 * effect.tried:
            return word
    return "varies"


def _kinds(
    byte: Byte, values: NDArray[np.uint8], record: Record, effect: Effects
) -> Iterator[tuple[str, str]]:
    """Kinds with their descriptions, the surest first; an empty one if the byte is not of it."""
    moves = _position(byte, effect)
    yield "lives", _lives(values, record)
    yield "score", _score(values, record)
    yield "position", moves
    yield "bitmap", _bitmap(effect)
    yield "joystick", _joystick(values, record)
    yield _counted(values, record)
    if byte.values == 1:
        yield "constant", f"always {values[0]}"
    elif byte.values <= FEW:
        yield "flag", f"one of {', '.join(map(str, np.unique(values)))}"


def _position(byte: Byte, effect: Effects) -> str:
    """A description if the byte moves a sprite; sets the fields of a position."""
    for axis in ("x", "y"):
        # An object that the joystick moves is not a growing bar.
        moves = [m for m in effect.moves if byte.follows or not m.shift.clipped]
        along = [move for move in moves if move.shift.axis == axis]
        # It needs fewer moves: with the joystick held, the object may be at an edge, half hidden.
        often = 0 if byte.follows else MOVES * effect.seen
        if len(along) < max(4, LEAST * effect.tried, often, 0.8 * len(moves)):
            continue
        byte.axis, byte.box, byte.state = axis, along[0].box, along[0].state
        if round(_scale(along, pixels)) == 1:
            how = "in the format of the video chip, motion and delay in its nibbles"
        else:
            byte.scale = _scale(along, lambda value: value)
            how = f"{byte.scale:+g} pixels per unit" if byte.scale else "not in proportion"
        return f"{axis} of the outlined object, {how}"
    return ""


def _scale(moves: list[Move], place: Callable[[int], int]) -> float:
    """Pixels on the screen per unit of the byte's ``place``; 0 if the ratio varies."""
    shifts = np.array([move.shift.pixels for move in moves])
    before = np.array([place(move.value) for move in moves])
    after = np.array([place((move.value + move.change) % 256) for move in moves])
    changes = (after - before + 128) % 256 - 128  # the shorter way round
    ratios = shifts[changes != 0] / changes[changes != 0]
    middle = float(np.median(ratios))
    same = np.mean(np.abs(ratios - middle) <= 0.25 * abs(middle) + 0.1)
    return round(middle, 2) if same >= MOVES else 0.0


def _bitmap(effect: Effects) -> str:
    """A description if single bits draw separate parts of the screen."""
    boxes = [*effect.bits.values()]
    apart = sum(
        not any(box.overlaps(other) for other in boxes if other is not box) for box in boxes
    )
    small = all((b.bottom - b.top) * (b.right - b.left) < 2500 for b in boxes)
    if apart >= max(3, 0.6 * len(boxes)) and small:
        return f"{len(boxes)} of its bits draw parts of the screen"
    return ""


def _usual(groups: NDArray[np.int64], values: NDArray[np.uint8], least: float) -> dict[int, int]:
    """The most frequent value in each group; empty if in one its share is below ``least``."""
    usual = {}
    for group in np.unique(groups).tolist():
        here = values[groups == group]
        usual[group] = int(np.bincount(here).argmax())
        if np.mean(here == usual[group]) < least:
            return {}
    return usual


def _lives(values: NDArray[np.uint8], record: Record) -> str:
    usual = _usual(record.lives, values, SURE)
    if len(usual) < 2 or len(set(usual.values())) < len(usual):
        return ""
    pairs = ", ".join(f"{number} as {value}" for number, value in usual.items())
    return f"ALE's lives: {pairs}"


def _digits(points: NDArray[np.int64]) -> Iterator[tuple[str, NDArray[np.int64]]]:
    """Formats of a score in a byte, with the expected values."""
    yield "in binary, lowest byte", points % 256
    for power in range(6):
        name, digit = f"{10**power:,}s", points // 10**power % 10
        next_digit = points // 10 ** (power + 1) % 10
        yield f"BCD, {name} and {10 ** (power + 1):,}s", digit + next_digit * 16
        yield f"the digit of the {name}", digit


def _score(values: NDArray[np.uint8], record: Record) -> str:
    parts = {"": values, ", low half": values & 15, ", high half": values >> 4}
    parts = {part: shown for part, shown in parts.items() if len(np.unique(shown)) >= 3}
    if not parts:
        return ""
    sides = {
        "score": record.gained - record.lost,
        "points won": record.gained,
        "points lost": record.lost,
    }
    for side, points in sides.items():
        if points.min() < 0:
            continue
        for name, expected in _digits(points):
            if len(np.unique(expected)) < 3:
                continue
            for part, shown in parts.items():
                if np.mean(shown == expected) >= SURE:
                    return f"ALE's {side}: {name}{part}"
            # At least four digits have distinct values, such as addresses of their images.
            usual = _usual(expected, values, SURE) if name.startswith("the digit") else {}
            if len(usual) >= 4 and len(set(usual.values())) == len(usual):
                return f"ALE's {side}: {name}, coded"
    return ""


def _joystick(values: NDArray[np.uint8], record: Record) -> str:
    """A description if the action determines the value."""
    usual = _usual(record.action, values, 0.9)
    return "state of the joystick" if len(set(usual.values())) >= 2 else ""


def _counted(values: NDArray[np.uint8], record: Record) -> tuple[str, str]:
    same_game = record.game[1:] == record.game[:-1]
    changes = (values[1:] - values[:-1]).view(np.int8)[same_game].astype(int)
    moved = changes[changes != 0]
    if moved.size < 8:
        return "counter", ""
    usual = int(np.bincount(moved + 128).argmax()) - 128
    if np.mean(moved == usual) < 0.9 or abs(usual) > LARGEST_COUNT:
        return "counter", ""
    gaps = np.diff(np.flatnonzero(changes))
    every = int(np.bincount(gaps).argmax())
    if np.mean(gaps == every) >= 0.9:
        return "clock", f"{usual:+d} every {'step' if every == 1 else f'{every} steps'} of 4 frames"
    return "counter", f"{usual:+d} at a time"


def _speeds(effects: list[Effects], found: list[Byte]) -> list[tuple[Byte, int]]:
    """Bytes that move a sprite because they change the byte of its position."""
    positions = [byte for byte in found if byte.kind == "position"]
    return [
        (byte, other.address)
        for byte in positions
        for other in positions
        if byte is not other
        and byte.axis == other.axis
        and effects[byte.address].touched[other.address] >= 0.5 * effects[byte.address].seen > 0
        and effects[other.address].touched[byte.address] < 0.2 * effects[other.address].tried
        and other.write == "persists"
    ]


def _copies(record: Record, found: list[Byte]) -> Iterator[tuple[Byte, int, int]]:
    """Bytes that always equal another byte plus a constant; one whose writes persist is kept."""
    order = {"persists": 0, "varies": 1, "is overwritten": 2}
    rank = sorted(
        (b for b in found if b.values > FEW),
        key=lambda b: (b.kind == "unknown", order[b.write], b.address),
    )
    for place, byte in enumerate(rank):
        if byte.kind in ("score", "lives", "clock"):
            continue
        for other in rank[:place]:
            if other.kind == "copy":
                continue
            gap = record.ram[:, byte.address] - record.ram[:, other.address]
            usual = int(np.bincount(gap).argmax())
            if np.mean(gap == usual) >= SURE:
                yield byte, other.address, (usual + 128) % 256 - 128
                break
