"""From two frames of the emulator to one grey observation (Mnih et al. 2015, Methods)."""

from __future__ import annotations

from typing import cast

import cv2
import numpy as np
from numpy.typing import NDArray

Screen = NDArray[np.uint8]

# One emulator uses one core; the cores are shared out by processes.
cv2.setNumThreads(1)


def pooled(newer: Screen, older: Screen) -> Screen:
    """Pixel by pixel maximum of a step's last two frames: sprites that flicker stay visible."""
    return np.maximum(newer, older)


def resized(screen: Screen, height: int, width: int) -> Screen:
    """(210, 160) uint8 -> (height, width) uint8, each output pixel the mean of what it covers."""
    small = cv2.resize(screen, (width, height), interpolation=cv2.INTER_AREA)
    return cast(Screen, small)
