"""The page of a game: the 128 bytes as a grid, with the findings for each."""

from __future__ import annotations

import base64
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import cv2
import jinja2
import numpy as np
from numpy.typing import NDArray

from runner.atlas.classify import KINDS, Byte
from runner.atlas.intervene import Box
from runner.atlas.names import verdicts

_TEMPLATES: Final = jinja2.Environment(
    loader=jinja2.FileSystemLoader(Path(__file__).parent),
    autoescape=True,
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
COLUMNS: Final = 8
_MARKS: Final = {  # short enough for a cell of the grid
    "position": "pos", "speed": "speed", "score": "score", "lives": "lives", "clock": "clock",
    "counter": "count", "bitmap": "bits", "flag": "flag", "joystick": "stick", "copy": "copy",
    "constant": "", "unknown": "?",
}  # fmt: skip
_MARGIN: Final = 12  # pixels around the outlined object
_ZOOM: Final = 3
_YELLOW: Final = (255, 220, 0)


def page(
    game: str,
    found: list[Byte],
    labels: Mapping[str, int],
    names: Mapping[str, int],
    pictures: list[NDArray[np.uint8]],
    steps: int,
) -> str:
    """Returns the HTML text.

    Args:
        game: ALE's name.
        found: The 128 bytes.
        labels: Published addresses by name.
        names: Addresses by generated name.
        pictures: Screen of each state, (H, W, 3) RGB.
        steps: Number of steps played.
    """
    judged = verdicts(labels, found)
    own = {address: name for name, address in names.items()}
    cells = [_cell(byte, own, labels, judged, pictures) for byte in found]
    counts = Counter(byte.kind for byte in found)
    return _TEMPLATES.get_template("atlas.html").render(
        title=game.replace("_", " ").title(),
        game=game,
        rows=[cells[i : i + COLUMNS] for i in range(0, len(cells), COLUMNS)],
        cells=[cell for cell in cells if cell["byte"].kind != "constant" or cell["labels"]],
        constants=[byte for byte in found if byte.kind == "constant"],
        kinds=[(kind, words, counts[kind]) for kind, words in KINDS.items() if counts[kind]],
        marks=_MARKS,
        screen=_png(pictures[0]),
        judged=Counter(judged.values()),
        steps=steps,
    )


def _cell(
    byte: Byte,
    own: Mapping[int, str],
    labels: Mapping[str, int],
    judged: Mapping[str, str],
    pictures: list[NDArray[np.uint8]],
) -> dict[str, Any]:
    mark = _MARKS[byte.kind]
    if byte.kind == "position":
        mark = byte.axis
    return {
        "byte": byte,
        "mark": mark,
        "kind": KINDS[byte.kind],
        "name": own.get(byte.address, ""),
        "labels": [
            (label, judged.get(label, "")) for label, of in labels.items() if of == byte.address
        ],
        "picture": _crop(pictures[byte.state], byte.box) if byte.box else None,
    }


def _crop(picture: NDArray[np.uint8], box: Box) -> str:
    """The part of the screen around the outlined ``box``, as a data URI."""
    large = cv2.resize(picture, None, fx=_ZOOM, fy=_ZOOM, interpolation=cv2.INTER_NEAREST)
    corner = box.left * _ZOOM - 2, box.top * _ZOOM - 2
    cv2.rectangle(large, corner, (box.right * _ZOOM + 1, box.bottom * _ZOOM + 1), _YELLOW, 2)
    top, left = max(box.top - _MARGIN, 0) * _ZOOM, max(box.left - _MARGIN, 0) * _ZOOM
    part = large[top : (box.bottom + _MARGIN) * _ZOOM, left : (box.right + _MARGIN) * _ZOOM]
    return _png(part)


def _png(picture: NDArray[Any]) -> str:
    _, coded = cv2.imencode(".png", np.ascontiguousarray(picture[..., ::-1]))
    return "data:image/png;base64," + base64.b64encode(coded.tobytes()).decode()
