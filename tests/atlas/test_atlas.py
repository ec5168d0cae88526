"""Meanings of bytes, found without published labels."""

from __future__ import annotations

import numpy as np
import pytest

from models.positions import pixels
from runner.atlas import classify, intervene, names, observe
from runner.atlas.__main__ import main
from runner.ram_maps import ram_map

# Required findings by game and address; positions by axis.
MUST_BE_FOUND = {
    "breakout": {72: "x", 99: "x", 101: "y", 57: "lives", 77: "score", 0: "bitmap", 29: "bitmap"},
    "pong": {49: "x", 54: "y", 21: "y", 60: "y", 13: "score"},
    "space_invaders": {28: "x", 26: "x", 16: "y", 83: "x", 87: "x", 73: "lives", 104: "score",
                       18: "bitmap"},
    "ms_pacman": {10: "x", 16: "y",  # the player; then four ghosts
                  6: "x", 7: "x", 8: "x", 9: "x", 12: "y", 13: "y", 14: "y", 15: "y"},
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("game", MUST_BE_FOUND)
def test_known_meanings_are_found(game):
    ale = observe.load(game, 0)
    record = observe.observe(ale, 6000, 0, lambda _: None)
    effects, _ = intervene.intervene(ale, record, observe.background(record), lambda _: None)
    found = classify.classify(record, effects, intervene.steered(ale, record))
    shown = {address: names.meaning(found[address], found) for address in MUST_BE_FOUND[game]}
    assert shown == MUST_BE_FOUND[game]
    judged = names.verdicts(ram_map(game), found)
    words = list(judged.values())
    assert words.count("found") >= 0.7 * len(words), judged


@pytest.mark.slow
def test_the_command_writes_a_page_and_a_ram_map(tmp_path, capfd):
    table = tmp_path / "new" / "table.md"
    arguments = ["env=pong", f"out={tmp_path}", f"table={table}", "steps=1000"]
    assert main(arguments) == 0
    page = (tmp_path / "pong.html").read_text()
    assert page.count("<td ") == 128
    assert "http" not in page
    assert "<script" not in page
    assert "ball_x" in page
    mapped = (tmp_path / "ram_map" / "pong.yaml").read_text()
    assert ": 49  #" in mapped
    assert "| pong |" in table.read_text()
    assert "played 1,000 of 1,000 steps" in capfd.readouterr().out


@pytest.mark.parametrize(
    ("typed", "parts"),
    [
        ([], ["env: expected"]),
        (["env=pongg"], ["env=pongg", "pong"]),
        (["env=combat"], ["one player"]),
        (["env=pong", "steps=10"], ["steps=10", "1000"]),
        (["env=pong", "seed=-1"], ["seed=-1"]),
        (["env=pong", "steps=x"], ["steps=x", "integer"]),
        (["env=pong", "out=/proc/atlas"], ["out=/proc/atlas"]),
        (["env=pong", "table=/"], ["table=/", "a file"]),
        (["pong"], ["expected python -m runner.atlas"]),
    ],
)
def test_bad_input_is_one_line(tmp_path, monkeypatch, capsys, typed, parts):
    monkeypatch.chdir(tmp_path)
    assert main(typed) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert error.count("\n") == 1
    assert len(error) <= 300
    assert all(part in error for part in parts)
    assert not list(tmp_path.iterdir())


def drawn(*sprites):
    """A screen with rectangles: colour, top, left, height, width."""
    screen = np.zeros((210, 160), np.uint8)
    for colour, top, left, height, width in sprites:
        screen[top : top + height, left : left + width] = colour
    return screen


PADDLE, WALL = (6, 150, 60, 4, 16), (2, 190, 0, 4, 160)


@pytest.mark.parametrize(
    ("before", "after", "shift"),
    [
        (drawn(PADDLE), drawn((6, 150, 65, 4, 16)), ("x", 5, False)),
        (drawn(PADDLE), drawn((6, 150, 20, 4, 16)), ("x", -40, False)),
        (drawn((6, 20, 30, 8, 2)), drawn((6, 23, 30, 8, 2)), ("y", 3, False)),
        (drawn(PADDLE), drawn((6, 150, 60, 4, 30)), ("x", 14, True)),  # a bar that grew
        (drawn(PADDLE), drawn((8, 150, 60, 4, 16)), None),  # only the colour changed
        (drawn(PADDLE), drawn(), None),
        (drawn(), drawn((6, 0, 0, 200, 160)), None),  # a new scene
    ],
)
def test_shifts_of_sprites(before, after, shift):
    box = intervene.changed_box(before, after)
    moved = intervene.moved(before, after, drawn(), box)
    assert (moved and (moved.axis, moved.pixels, moved.clipped)) == shift


@pytest.mark.parametrize(
    ("place", "said"),
    [
        (lambda value: 2 * value, "x of the outlined object, +2 pixels per unit"),
        (pixels, "x of the outlined object, in the format of the video chip"),
        (lambda value: value * 37 % 251, "x of the outlined object, not in proportion"),
    ],
)
def test_formats_of_positions(place, said):
    box = intervene.Box(0, 0, 8, 8)
    shifts = {
        change: place((0x35 + change) % 256) - place(0x35)
        for change in (1, 2, 4, 8, 16, 32, 64, -8, 3, -3, 5, -5)
    }
    moves = [
        intervene.Move(intervene.Shift("x", shift, 1.0, clipped=False), 0x35, change, box, 0)
        for change, shift in shifts.items()
    ]
    byte = classify.Byte(0, "unknown", "", 16, "persists")
    effect = intervene.Effects(tried=len(moves), seen=len(moves), moves=moves)
    assert classify._position(byte, effect).startswith(said)


@pytest.mark.parametrize(
    ("label", "meaning"),
    [
        ("ball_x", "x"),
        ("bomb_0_y", "y"),
        ("opponent_score", "score"),
        ("lives", "lives"),
        ("blocks_12", "bitmap"),
        ("blocks_hit", ""),
        ("next_level", ""),
    ],
)
def test_meanings_of_published_names(label, meaning):
    assert names.expected(label) == meaning
