"""Composes one video frame: the screen in 4:3, and a strip with score and step.

Frames consist of colour numbers with a separate palette: lossless before the file's compression.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import cv2
import numpy as np
from numpy.typing import NDArray

FONT = cv2.FONT_HERSHEY_SIMPLEX
# ALE's colour numbers are even; the strip uses odd ones.
PAPER, INK = 1, 3
# Colours of an overlay. 5 is a GIF's transparent colour.
SOFT, BAR, TAKEN, CELL, EDGE = 7, 9, 11, 13, 23
HEAT = (15, 17, 19, 21)
_COLOURS = {
    PAPER: (0, 0, 0), INK: (255, 255, 255), SOFT: (150, 156, 168), BAR: (60, 130, 190),
    TAKEN: (255, 154, 92), CELL: (38, 42, 50), EDGE: (92, 97, 108),
    **dict(zip(HEAT, ((92, 52, 28), (150, 80, 36), (210, 112, 50), (255, 154, 92)), strict=True)),
}  # fmt: skip


@dataclass(frozen=True)
class Size:
    """Size of a frame in pixels; even numbers, as H.264 requires."""

    width: int
    height: int  # of the screen
    strip: int  # height of the strip above it
    font: float  # of OpenCV's Hershey font
    thickness: int = 1


# The console's 160 x 210 pixels fill a 4:3 screen.
LARGE = Size(width=560, height=420, strip=40, font=0.8, thickness=2)
SMALL = Size(width=280, height=210, strip=22, font=0.45)


def with_strip_colours(palette: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Returns the palette, (256, 3) uint8 RGB, with the colours of strip and overlay."""
    full = palette.copy()
    full[list(_COLOURS)] = list(_COLOURS.values())
    return full


def strip(size: Size, left: str, right: str) -> NDArray[np.uint8]:
    """(strip, width) uint8 colour numbers, with text at both ends."""
    picture = np.full((size.strip, size.width), PAPER, np.uint8)
    base, margin = round(size.strip * 0.7), size.strip // 3
    (wide, _), _ = cv2.getTextSize(right, FONT, size.font, size.thickness)
    for text, x in ((left, margin), (right, size.width - margin - wide)):
        cv2.putText(picture, text, (x, base), FONT, size.font, INK, size.thickness, cv2.LINE_8)
    return picture


def picture(screen: NDArray[np.uint8], above: NDArray[np.uint8], size: Size) -> NDArray[np.uint8]:
    """(strip + height, width) uint8 colour numbers.

    Args:
        screen: (210, 160) colour numbers; 250 lines in some games.
        above: Result of ``strip``.
        size: Size of the frame.
    """
    enlarged = cv2.resize(screen, (size.width, size.height), interpolation=cv2.INTER_NEAREST)
    return cast(NDArray[np.uint8], np.concatenate([above, enlarged]))
