"""The page of a game: the 128 bytes as a grid, with the findings for each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from runner.atlas.classify import Byte
from runner.atlas.intervene import Box
from runner.atlas.names import verdicts
from runner.report.pages import data_uri, png, rendered

# Kinds of bytes, and their marks: short enough for a cell of the grid.
KINDS: Final = {
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
    counts = Counter(byte.kind for byte in found)
    return rendered(
        "atlas/atlas.html",
        title=game.replace("_", " ").title(),
        cells=[
            {
                "byte": byte,
                "mark": byte.axis if byte.kind == "position" else KINDS[byte.kind],
                "name": next((name for name, of in names.items() if of == byte.address), ""),
                "labels": [
                    (label, judged.get(label, ""))
                    for label, of in labels.items()
                    if of == byte.address
                ],
                "picture": _crop(pictures[byte.state], byte.box) if byte.box else None,
            }
            for byte in found
        ],
        kinds={kind: counts[kind] for kind in KINDS if counts[kind]},
        screen=data_uri(png(pictures[0])),
        judged=Counter(judged.values()),
        steps=steps,
    )


def _crop(picture: NDArray[np.uint8], box: Box) -> str:
    """The part of the screen around the outlined ``box``, as a data URI."""
    large = cv2.resize(picture, None, fx=_ZOOM, fy=_ZOOM, interpolation=cv2.INTER_NEAREST)
    corner = box.left * _ZOOM - 2, box.top * _ZOOM - 2
    cv2.rectangle(large, corner, (box.right * _ZOOM + 1, box.bottom * _ZOOM + 1), _YELLOW, 2)
    top, left = max(box.top - _MARGIN, 0) * _ZOOM, max(box.left - _MARGIN, 0) * _ZOOM
    part = large[top : (box.bottom + _MARGIN) * _ZOOM, left : (box.right + _MARGIN) * _ZOOM]
    return data_uri(png(part))
