"""Classifies each byte from observations and interventions."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from ale_py import Action
from numpy.typing import NDArray

from models.positions import pixels
from runner.atlas.intervene import Box, Effects, Move
from runner.atlas.observe import Record, direction

KINDS: Final = {
    "position": "position",
    "speed": "speed",
    "score": "score",
    "lives": "lives",
    "clock": "clock",
    "counter": "counter",
    "bitmap": "bitmap",
    "flag": "flag",
    "joystick": "joystick",
    "copy": "copy of another byte",
    "constant": "constant",
    "unknown": "unknown",
}
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
        byte.kind, byte.said = _kind(byte, values, record, effect)
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


def _kind(
    byte: Byte, values: NDArray[np.uint8], record: Record, effect: Effects
) -> tuple[str, str]:
    moves = _position(byte, effect)
    if byte.values == 1:
        if moves:
            return "position", moves
        bits = _bitmap(effect)
        return ("bitmap", bits) if bits else ("constant", f"always {values[0]}")
    for kind, test in (("lives", _lives), ("score", _score)):
        if said := test(values, record):
            return kind, said
    if moves:
        return "position", moves
    if said := _bitmap(effect):
        return "bitmap", said
    if said := _joystick(values, record):
        return "joystick", said
    if counted := _counted(values, record):
        return counted
    if byte.values <= FEW:
        seen = ", ".join(map(str, np.unique(values)))
        return "flag", f"one of {seen}"
    return "unknown", ""


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
    boxes = {bit: found[0] for bit, found in effect.bits.items()}
    apart = [
        bit
        for bit, box in boxes.items()
        if not any(box.overlaps(other) for b, other in boxes.items() if b != bit)
    ]
    small = all((b.bottom - b.top) * (b.right - b.left) < 2500 for b in boxes.values())
    if len(apart) >= 3 and len(apart) >= 0.6 * len(boxes) and small:
        return f"{len(boxes)} of its bits draw parts of the screen"
    return ""


def _lives(values: NDArray[np.uint8], record: Record) -> str:
    lives = record.lives
    numbers = np.unique(lives)
    if len(numbers) < 2:
        return ""
    usual = {}
    for number in numbers:
        here = values[lives == number]
        usual[int(number)] = int(np.bincount(here).argmax())
        if np.mean(here == usual[int(number)]) < SURE:
            return ""
    if len(set(usual.values())) < len(usual):
        return ""
    pairs = ", ".join(f"{number} as {value}" for number, value in usual.items())
    return f"ALE's lives: {pairs}"


def _digits() -> Iterator[tuple[str, Callable[[NDArray[np.int64]], NDArray[np.int64]]]]:
    yield "in binary, lowest byte", lambda s: s % 256
    for power in range(6):
        name = f"{10**power:,}s"
        yield (
            f"BCD, {name} and {10 ** (power + 1):,}s",
            lambda s, p=power: (  # type: ignore[misc]
                s // 10**p % 10 + s // 10 ** (p + 1) % 10 * 16
            ),
        )
        yield f"the digit of the {name}", lambda s, p=power: s // 10**p % 10  # type: ignore[misc]


def _score(values: NDArray[np.uint8], record: Record) -> str:
    parts = {"": values, ", low half": values & 15, ", high half": values >> 4}
    sides = {
        "score": record.gained - record.lost,
        "points won": record.gained,
        "points lost": record.lost,
    }
    for side, points in sides.items():
        if len(np.unique(points)) < 3 or points.min() < 0:
            continue
        for name, digits in _digits():
            expected = digits(points)
            if len(np.unique(expected)) < 3:
                continue
            for part, shown in parts.items():
                if len(np.unique(shown)) >= 3 and np.mean(shown == expected) >= SURE:
                    return f"ALE's {side}: {name}{part}"
            if name.startswith("the digit") and _one_to_one(expected, values):
                return f"ALE's {side}: {name}, coded"
    return ""


def _one_to_one(expected: NDArray[np.int64], values: NDArray[np.uint8]) -> bool:
    """Whether at least four digits have distinct values, such as addresses of their images."""
    usual = []
    for digit in np.unique(expected):
        here = values[expected == digit]
        usual.append(int(np.bincount(here).argmax()))
        if np.mean(here == usual[-1]) < SURE:
            return False
    return len(usual) >= 4 and len(set(usual)) == len(usual)


def _joystick(values: NDArray[np.uint8], record: Record) -> str:
    """A description if the action determines the value."""
    usual = []
    for action in np.unique(record.action):
        here = values[record.action == action]
        usual.append(int(np.bincount(here).argmax()))
        if np.mean(here == usual[-1]) < 0.9:
            return ""
    return "state of the joystick" if len(set(usual)) >= 2 else ""


def _counted(values: NDArray[np.uint8], record: Record) -> tuple[str, str] | None:
    same_game = record.game[1:] == record.game[:-1]
    changes = (values[1:] - values[:-1]).view(np.int8)[same_game].astype(int)
    moved = changes[changes != 0]
    if moved.size < 8:
        return None
    usual = int(np.bincount(moved + 128).argmax()) - 128
    if np.mean(moved == usual) < 0.9 or abs(usual) > LARGEST_COUNT:
        return None
    at = np.flatnonzero(changes)
    gaps = np.diff(at)
    regular = gaps.size and np.mean(gaps == np.bincount(gaps).argmax()) >= 0.9
    if regular:
        every = int(np.bincount(gaps).argmax())
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


def steering(record: Record) -> NDArray[np.int64]:
    """(T, 2): joystick directions, right and down as 1, left and up as -1."""
    return np.array([direction(Action(int(action))) for action in record.action])
