"""Preprocesses the last two frames of a step into one observation (Mnih et al. 2015, Methods).

In this order: maximum of the two, colour, crop, subsampling of rows and columns, resize. With
``luma`` both frames are already grey: ALE's palette gives the grey value of each colour.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, cast

import cv2
import numpy as np
from ale_py import ALEInterface
from numpy.typing import NDArray

from runner.settings.obs import PixelObservation

Screen = NDArray[np.uint8]

# One emulator uses one core; parallelism is by processes.
cv2.setNumThreads(1)


# Downscaling with ``area``: each pixel is the mean of the pixels it covers. ``nearest`` takes pixel
# floor(i * n / m) for pixel i of m, as TensorFlow 1 and OpenCV do.
_INTERPOLATIONS: Final = {
    "area": cv2.INTER_AREA,
    "nearest": cv2.INTER_NEAREST,
    "bilinear": cv2.INTER_LINEAR,
}


class ScreenView:
    """Preprocessing of the screen by ``obs``.

    Args:
        obs: The settings.
    """

    def __init__(self, obs: PixelObservation) -> None:
        self.frames_read = 2 if obs.max_pool else 1  # the last frames of a step
        self._mean = obs.color == "mean"
        self._rgb = obs.color != "luma"
        top, bottom, left, right = obs.crop or (None, None, None, None)
        # A slice copies nothing.
        self._part = slice(top, bottom, obs.subsample), slice(left, right, obs.subsample)
        self._whole = obs.crop is None and obs.subsample == 1
        self._size = (obs.width, obs.height)  # in OpenCV's order
        self._interpolation = _INTERPOLATIONS.get(obs.resize)

    def buffer(self, ale: ALEInterface) -> Screen:
        """Returns a zero array for ``reader`` to fill."""
        height, width = ale.getScreenDims()
        return np.zeros((height, width, 3) if self._rgb else (height, width), np.uint8)

    def reader(self, ale: ALEInterface) -> Callable[[Screen], None]:
        """Returns the function that copies the screen into a buffer."""
        return ale.getScreenRGB if self._rgb else ale.getScreenGrayscale

    def observed(self, newer: Screen, older: Screen | None) -> Screen:
        """Returns the observation as a new array.

        Args:
            newer: The last frame.
            older: The previous frame; None: the step has only one frame.
        """
        screen = newer
        if older is not None and self.frames_read == 2:  # flickering sprites stay visible
            screen = np.maximum(newer, older)
        if not self._whole:
            screen = screen[self._part]
        if self._mean:  # (H, W, 3) -> (H, W), rounded down; fewer pixels than before the crop
            screen = (screen.sum(axis=2, dtype=np.uint16) // 3).astype(np.uint8)
        if self._interpolation is None:
            return screen.copy()
        screen = np.ascontiguousarray(screen)
        return cast(Screen, cv2.resize(screen, self._size, interpolation=self._interpolation))
