"""The overlay: Q-values as bars, the value over time, byte importances.

Drawn in colour numbers, like the screen (see ``runner.video.picture``).
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from runner.video.picture import BAR, CELL, EDGE, FONT, HEAT, INK, PAPER, SOFT, TAKEN, Size

COLUMNS, ROWS = 16, 8  # of the byte grid
HISTORY: Final = 150  # steps of the value curve: ten seconds at 4 frames per step


@dataclass(frozen=True)
class Overlay:
    """An agent's Q-values and byte importances in a game, step by step.

    Attributes:
        actions: Names of the actions.
        taken: (T,) the action of each step.
        q_values: (T, nb_actions) float32.
        matters: (T, 128) float32, 0 to 1: influence of each byte on Q; None for screens.
    """

    actions: list[str]
    taken: NDArray[np.int32]
    q_values: NDArray[np.float32]
    matters: NDArray[np.float32] | None

    @functools.cached_property
    def _values(self) -> NDArray[np.float32]:
        """(T,) Q-value of the best action."""
        return np.asarray(self.q_values.max(axis=-1))

    def width(self, size: Size) -> int:
        """Width of the panel beside a frame of ``size`` in pixels; an even number."""
        return size.width // 4 + 140

    def panel(self, step: int, size: Size) -> NDArray[np.uint8]:
        """(strip + height, width) uint8 colour numbers at a step."""
        height, width = size.strip + size.height, self.width(size)
        panel = np.full((height, width), PAPER, np.uint8)
        grid = 0 if self.matters is None else (width - 8) // COLUMNS * ROWS // 2 + 8
        curve = height // 6
        bars = height - grid - curve - 8
        self._draw_bars(panel[:bars], step, size)
        self._draw_value(panel[bars : bars + curve], step)
        if self.matters is not None:
            self._draw_bytes(panel[bars + curve + 8 :], self.matters[step])
        return panel

    def _draw_bars(self, area: NDArray[np.uint8], step: int, size: Size) -> None:
        q = self.q_values[step]
        low, span = float(q.min()), max(float(np.ptp(q)), 1e-6)
        line = min(area.shape[0] // len(q), round(size.strip * 0.8))
        font = min(size.font * 0.7, line / 26)
        widths = [cv2.getTextSize(name, FONT, font, 1)[0][0] for name in self.actions]
        names = max(widths) + 8
        for k, (name, value) in enumerate(zip(self.actions, q, strict=True)):
            top = k * line + line // 3
            is_taken = k == int(self.taken[step])
            colour = INK if is_taken else SOFT
            _text(area, name, 4, top + round(line * 0.7), font, colour)
            end = names + max(round((area.shape[1] - names - 6) * (float(value) - low) / span), 2)
            area[top + 2 : top + line - 3, names:end] = TAKEN if is_taken else BAR

    def _draw_value(self, area: NDArray[np.uint8], step: int) -> None:
        values = self._values
        low, span = float(values.min()), max(float(np.ptp(values)), 1e-6)
        shown = values[max(step + 1 - HISTORY, 0) : step + 1]
        height, width = area.shape
        x = width - 6 - (len(shown) - 1 - np.arange(len(shown))) * (width - 12) / HISTORY
        y = 3 + (height - 6) * (1 - (shown - low) / span)
        points = np.stack([x, y], axis=-1).round().astype(np.int32)[:, None]
        canvas = area.copy()
        cv2.polylines(canvas, [points], False, INK, 1, cv2.LINE_4)
        area[:] = canvas
        area[-1] = SOFT

    def _draw_bytes(self, area: NDArray[np.uint8], matters: NDArray[np.float32]) -> None:
        cell = (area.shape[1] - 8) // COLUMNS
        for i, share in enumerate(matters):
            top, left = i // COLUMNS * (cell // 2), 4 + i % COLUMNS * cell
            level = int(np.ceil(float(share) * len(HEAT)))
            colour = CELL if level == 0 else HEAT[level - 1]
            area[top : top + cell // 2 - 1, left : left + cell - 1] = colour


def _text(area: NDArray[np.uint8], text: str, x: int, base: int, font: float, colour: int) -> None:
    drawn = np.zeros(area.shape, np.uint8)  # 0 to 255: smooth edges, in two steps
    cv2.putText(drawn, text, (x, base), FONT, font, 255, 1, cv2.LINE_AA)
    area[drawn >= 64] = EDGE
    area[drawn >= 144] = colour
