"""Interventions: changes a byte in a saved state, plays two frames, compares the outcomes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import cv2
import numpy as np
from ale_py import Action, ALEInterface
from numpy.typing import NDArray

from runner.atlas.observe import Record, Say, Screen, State, direction
from runner.environments import emulator_state

FRAMES: Final = 2
BITS: Final = tuple(1 << bit for bit in range(8))
STEPS: Final = (8, -8, 3, -3, 5, -5)
LARGEST: Final = 0.2  # share of the screen: more is another scene, not a sprite
ALIKE: Final = 0.75  # least share of a moved sprite's pixels that match
MARGIN: Final = 40  # pixels around a change that may contain its sprites
HELD: Final = 8  # frames for which the joystick is held


class Box(NamedTuple):
    """Part of the screen in pixels, ends excluded."""

    top: int
    left: int
    bottom: int
    right: int

    def overlaps(self, other: Box) -> bool:
        """Whether the boxes have a pixel in common."""
        rows = self.top < other.bottom and other.top < self.bottom
        return rows and self.left < other.right and other.left < self.right


class Shift(NamedTuple):
    """Motion of a sprite along an axis."""

    axis: str  # "x" or "y"
    pixels: int
    alike: float  # share of matching pixels
    clipped: bool  # one end did not move: the sprite is cut by an edge, or is a bar


class Move(NamedTuple):
    """A sprite that moved after a change of a byte."""

    shift: Shift
    value: int  # of the byte
    change: int  # of that
    box: Box  # of the sprite, unchanged
    state: int


@dataclass
class Effects:
    """Effects of changing one byte."""

    tried: int = 0
    seen: int = 0  # interventions that changed the screen
    persisted: int = 0
    overwritten: int = 0
    moves: list[Move] = field(default_factory=list)
    bits: dict[int, Box] = field(default_factory=dict)  # first change of the screen by each bit
    touched: NDArray[np.int64] = field(default_factory=lambda: np.zeros(128, np.int64))
    box: Box | None = None  # the first change of the screen, and below the number of its state
    state: int = 0


class _After(NamedTuple):
    ram: NDArray[np.uint8]
    screens: list[Screen]


def intervene(
    ale: ALEInterface, record: Record, background: Screen, say: Say
) -> tuple[list[Effects], list[NDArray[np.uint8]]]:
    """Changes every byte in every state.

    Returns:
        Effects of each of the 128 bytes, and the screen of each state, (H, W, 3) RGB.
    """
    effects = [Effects() for _ in range(record.ram.shape[1])]
    varies = (record.ram != record.ram[0]).any(axis=0)
    pictures = []
    for number, state in enumerate(record.states):
        usual = _play(ale, state)
        pictures.append(ale.getScreenRGB())
        for byte, found in enumerate(effects):
            if number >= 2 and not varies[byte]:
                continue
            value = int(state.ram[byte])
            changes = {value ^ bit: bit for bit in BITS}
            for step in STEPS:
                changes.setdefault((value + step) % 256, 0)
            for changed, bit in changes.items():
                _try(ale, state, number, byte, value, changed, bit, usual, background, found)
        say(f"changed {len(effects)} bytes in {number + 1} of {len(record.states)} states")
    return effects, pictures


def _play(ale: ALEInterface, state: State, byte: int = 0, value: int | None = None) -> _After:
    emulator_state.restore(ale, state.emulator)
    if value is not None:
        ale.setRAM(byte, value)
    screens = []
    for _ in range(FRAMES):
        ale.act(Action.NOOP)
        screens.append(ale.getScreen())
    return _After(ale.getRAM().copy(), screens)


def _try(
    ale: ALEInterface,
    state: State,
    number: int,
    byte: int,
    value: int,
    changed: int,
    bit: int,
    usual: _After,
    background: Screen,
    found: Effects,
) -> None:
    after = _play(ale, state, byte, changed)
    found.tried += 1
    kept = (int(after.ram[byte]) - int(usual.ram[byte])) % 256
    found.persisted += kept == (changed - value) % 256
    found.overwritten += kept == 0
    found.touched += after.ram != usual.ram
    for before, now in zip(reversed(usual.screens), reversed(after.screens), strict=True):
        box = changed_box(before, now)
        if box is None:
            continue
        found.seen += 1
        change = (changed - value + 128) % 256 - 128
        if shift := moved(before, now, background, box):
            sprite = _sprite(before, background, box)
            found.moves.append(Move(shift, value, change, sprite, number))
        if bit:
            found.bits.setdefault(bit, box)
        if found.box is None:
            found.box, found.state = box, number
        return


def changed_box(before: Screen, after: Screen) -> Box | None:
    """Bounding box of the differences between two screens; None: no difference."""
    left, top, width, height = cv2.boundingRect((before != after).astype(np.uint8))
    return Box(top, left, top + height, left + width) if width else None


def moved(before: Screen, after: Screen, background: Screen, box: Box) -> Shift | None:
    """Motion of the sprites in ``box``; None: no motion, or another scene."""
    if (before != after).sum() > LARGEST * before.size:
        return None
    tight = slice(box.top, box.bottom), slice(box.left, box.right)
    wide = (
        slice(max(box.top - MARGIN, 0), box.bottom + MARGIN),
        slice(max(box.left - MARGIN, 0), box.right + MARGIN),
    )
    found = list(_shifts(*_drawn(before[tight], after[tight], background[tight])))
    if not found:
        a, b, ground = before[wide], after[wide], background[wide]
        found = list(_shifts(*_drawn(a, b, ground, a != b)))
        # A sprite that mostly stays in place is part of the background: try a plain one.
        plain = np.full_like(a, np.bincount(a.ravel()).argmax())
        found += _shifts(*_drawn(a, b, plain, a != b, np.unique([a[a != b], b[a != b]])))
    return min(found, key=lambda shift: (shift.clipped, -shift.alike), default=None)


def _drawn(
    a: Screen,
    b: Screen,
    ground: Screen,
    changed: NDArray[np.bool_] | None = None,
    colours: Screen | None = None,
) -> tuple[Screen, Screen, NDArray[np.bool_], NDArray[np.bool_]]:
    """Two screens, and masks of their sprites, restricted to ``colours`` and ``changed``."""
    masks = []
    for screen in (a, b):
        drawn = screen != ground
        if colours is not None:
            drawn &= np.isin(screen, colours)
        if changed is not None:
            _, pieces = cv2.connectedComponents(drawn.astype(np.uint8))
            near = cv2.dilate(changed.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
            wanted = np.isin(np.arange(pieces.max() + 1), pieces[near])
            wanted[0] = False
            drawn = wanted[pieces]
        masks.append(drawn)
    return a, b, masks[0], masks[1]


def _shifts(
    a: Screen, b: Screen, drawn_a: NDArray[np.bool_], drawn_b: NDArray[np.bool_]
) -> Iterator[Shift]:
    """The shifts that map the sprites of ``a`` to those of ``b``."""
    for axis, name in ((1, "x"), (0, "y")):
        first = np.flatnonzero(drawn_a.any(axis=1 - axis))
        second = np.flatnonzero(drawn_b.any(axis=1 - axis))
        if not (first.size and second.size):
            return
        ends = int(second[0] - first[0]), int(second[-1] - first[-1])
        for shift in {*ends} - {0}:
            there = np.roll(drawn_a, shift, axis)
            same = there & drawn_b & (np.roll(a, shift, axis) == b)
            alike = float(same.sum() / (there | drawn_b).sum())
            if alike >= ALIKE:
                yield Shift(name, shift, alike, clipped=False)
            elif 0 in ends and same.sum() >= ALIKE * min(drawn_a.sum(), drawn_b.sum()):
                yield Shift(name, shift, alike, clipped=True)


def _sprite(screen: Screen, background: Screen, box: Box) -> Box:
    """The part of ``box`` that differs from the background; all of it if none does."""
    part = slice(box.top, box.bottom), slice(box.left, box.right)
    own = changed_box(screen[part], background[part])
    if own is None:
        return box
    return Box(box.top + own.top, box.left + own.left, box.top + own.bottom, box.left + own.right)


def steered(ale: ALEInterface, record: Record) -> dict[int, str]:
    """Bytes that follow the joystick, with the axis "x" or "y"."""
    # The first action of each direction.
    actions = {direction(action): action for action in reversed(ale.getMinimalActionSet())}
    follows: dict[int, str] = {}
    for name, directions in (("x", ((1, 0), (-1, 0))), ("y", ((0, 1), (0, -1)))):
        sides = [actions[each] for each in directions if each in actions]
        if len(sides) < 2:
            continue
        ends = []
        for state in record.states:
            held = []
            for action in sides:
                emulator_state.restore(ale, state.emulator)
                for _ in range(HELD):
                    ale.act(action)
                held.append(ale.getRAM().astype(np.int16))
            ends.append((held[0] - held[1] + 128) % 256 - 128)
        signs = np.sign(np.array(ends)).mean(axis=0)
        for byte in np.flatnonzero(np.abs(signs) >= 0.6):
            follows.setdefault(int(byte), name)
    return follows
