"""Encodes a recording as MP4 and as a size-limited GIF, both in real time.

The game is replayed once: every frame goes into the MP4, every third is kept for the GIF, which
shows the best part of a long game.
"""

from __future__ import annotations

import contextlib
import os
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from runner.errors import RunError
from runner.video.picture import LARGE, SMALL, Size, picture, strip, with_strip_colours
from runner.video.replay import FRAMES_PER_SECOND, Recording, Replay

X264: Final = {"crf": "20", "preset": "superfast"}  # flat colours, sharp edges, few changes
LONG: Final = 2 * 60 * FRAMES_PER_SECOND  # games with more frames get a small MP4
# Emulator frames between two GIF frames. Odd, as below: objects drawn only in every other frame,
# which are common on this console, stay visible.
EVERY: Final = 3
GIF_SECONDS: Final = 30  # longest part of a game
# Every n-th kept frame, and the size: from smooth and large to smaller files.
GIF_STEPS: Final = ((1, LARGE), (1, SMALL), (3, SMALL), (5, SMALL))

Screen = NDArray[np.uint8]
Progress = Callable[[float], None]


def write_videos(
    recording: Recording, mp4: Path | None, gif: Path | None, megabytes: float, progress: Progress
) -> Replay:
    """Replays a game and writes its files.

    Args:
        recording: The game.
        mp4: Every emulator frame, 60 per second, H.264 in yuv420p; None: not written.
        gif: 20 frames per second or fewer; None: not written.
        megabytes: Maximum size of the GIF, 10^6 bytes.
        progress: Called with the completed share of the game, 0 to 1.

    Returns:
        The replayed game.

    Raises:
        RunError: The replay has another score; nothing is written.
    """
    replay = Replay(recording)
    kept = _Kept([], [], [])
    size = LARGE if recording.frames <= LONG else SMALL
    label = _Label(recording, size)
    with contextlib.ExitStack() as stack:
        add = None
        if mp4 is not None:
            add = stack.enter_context(_mp4_file(mp4, label.width, size.height + size.strip))
        for number, screen in enumerate(replay):
            if number % FRAMES_PER_SECOND == 0:
                progress(replay.steps / len(recording.actions))
            if add is not None:
                add(label.beside(screen, replay.score, replay.steps), replay.palette)
            if gif is not None and number % EVERY == 0:
                kept.add(screen, replay.score, replay.steps)
        if replay.score != recording.score:
            raise RunError(
                f"the replayed game had {replay.score:.15g} points, not {recording.score:.15g}"
            )
    if gif is not None:
        _write_gif(replay, kept, gif, int(megabytes * 1e6))
    return replay


class _Label:
    """The strip above the screen and the overlay beside it, redrawn when they change."""

    def __init__(self, recording: Recording, size: Size) -> None:
        self._right = recording.label or f"step {recording.step:,}"
        self._size, self._overlay = size, recording.overlay
        self._score: float | None = None
        self._step: int | None = None
        self.width = size.width
        if self._overlay is not None:
            self.width += self._overlay.width(size)

    def beside(self, screen: Screen, score: float, step: int) -> Screen:
        """The complete frame, (strip + height, ``width``)."""
        if score != self._score:
            self._score = score
            self._strip = strip(self._size, f"score {score:,.15g}", self._right)
        drawn = picture(screen, self._strip, self._size)
        if self._overlay is None:
            return drawn
        if step != self._step:
            self._step, self._panel = step, self._overlay.panel(step, self._size)
        return np.concatenate([drawn, self._panel], axis=1)


@contextlib.contextmanager
def _mp4_file(path: Path, width: int, height: int) -> Iterator[Callable[[Screen, Screen], None]]:
    """Yields a function that adds frames of colour numbers with their palette; atomic."""
    aside = path.with_name(f".{path.name}")
    try:
        with av.open(str(aside), "w", format="mp4", options={"movflags": "faststart"}) as file:
            stream = file.add_stream("libx264", rate=FRAMES_PER_SECOND, options=X264)
            stream.width, stream.height = width, height
            stream.pix_fmt = "yuv420p"
            stream.thread_count = 2  # low priority: training comes first
            planes = _Planes()

            def add(drawn: Screen, palette: Screen) -> None:
                frame = av.VideoFrame.from_ndarray(planes.of(drawn, palette), format="yuv420p")
                file.mux(stream.encode(frame))

            yield add
            file.mux(stream.encode(None))
        os.replace(aside, path)
    finally:
        aside.unlink(missing_ok=True)


class _Planes:
    """Converts colour numbers to yuv420p by tables, at a fraction of the cost from RGB."""

    def __init__(self) -> None:
        self._palette = np.empty(0, np.uint8)

    def of(self, drawn: Screen, palette: Screen) -> Screen:
        """(3 / 2 height, width): the planes Y, U and V of (height, width), concatenated."""
        if not np.array_equal(palette, self._palette):  # a new colour appeared
            self._palette = palette.copy()
            rgb = with_strip_colours(palette).astype(np.float64)  # ITU-R BT.601, 16 to 235
            weights = [[65.738, 129.057, 25.064], [-37.945, -74.494, 112.439],
                       [112.439, -94.154, -18.285]]  # fmt: skip
            yuv = rgb @ np.array(weights).T / 256 + [16, 128, 128]
            self._tables = [np.ascontiguousarray(t) for t in yuv.round().astype(np.uint8).T]
        y, u, v = self._tables
        quarter = np.ascontiguousarray(drawn[::2, ::2])
        planes = [cv2.LUT(drawn, y), cv2.LUT(quarter, u), cv2.LUT(quarter, v)]
        return np.concatenate([plane.ravel() for plane in planes]).reshape(-1, drawn.shape[1])


@dataclass
class _Kept:
    """Every ``EVERY``-th screen of a game, compressed, with the score at each."""

    packed: list[tuple[bytes, tuple[int, ...]]]
    scores: list[float]
    steps: list[int]

    def add(self, screen: Screen, score: float, step: int) -> None:
        self.packed.append((zlib.compress(screen.tobytes(), 1), screen.shape))
        self.scores.append(score)
        self.steps.append(step)

    def screen(self, number: int) -> Screen:
        content, shape = self.packed[number]
        return np.frombuffer(zlib.decompress(content), np.uint8).reshape(shape)

    def best_part(self, length: int) -> range:
        """The ``length`` screens with the most points, the last in a tie; all if too few."""
        if length >= len(self.scores):
            return range(len(self.scores))
        scores = np.array([0.0, *self.scores])
        gained = scores[length:] - scores[:-length]
        first = len(gained) - 1 - int(np.argmax(gained[::-1]))
        return range(first, first + length)


def _write_gif(replay: Replay, kept: _Kept, path: Path, limit: int) -> None:
    """Writes the smoothest and largest GIF of at most ``limit`` bytes.

    Frames are made smaller, then left out; if the result is still too large, a shorter part of the
    game is shown.
    """
    part = kept.best_part(GIF_SECONDS * FRAMES_PER_SECOND // EVERY)
    attempts = [*GIF_STEPS]
    aside = path.with_name(f".{path.name}")
    try:
        while True:
            every, size = attempts.pop(0)
            shown = part[::every]
            fitted = _write_pictures(replay, kept, aside, limit, shown, size)
            if fitted == len(shown) or len(shown) == 1:
                os.replace(aside, path)
                return
            if not attempts:
                # ``fitted`` frames fit: slightly fewer may fit from another part.
                part = kept.best_part(max(int(0.8 * fitted * every), 1))
                attempts = [(every, size)]
    finally:
        aside.unlink(missing_ok=True)


def _write_pictures(
    replay: Replay, kept: _Kept, path: Path, limit: int, shown: Sequence[int], size: Size
) -> int:
    """Writes a GIF of the kept screens ``shown``; returns how many fit into ``limit`` bytes."""
    label = _Label(replay.recording, size)
    argb = np.full((256, 4), 255, np.uint8)
    argb[5, 0] = 0  # transparent: unchanged since the previous frame
    argb[:, 1:] = with_strip_colours(replay.palette)
    with av.open(str(path), "w", format="gif", options={"loop": "0"}) as file:
        stream = file.add_stream("gif", rate=100)
        stream.width, stream.height, stream.pix_fmt = label.width, size.height + size.strip, "pal8"
        written = 0
        for count, number in enumerate(shown):
            drawn = label.beside(kept.screen(number), kept.scores[number], kept.steps[number])
            frame: Any = av.VideoFrame.from_ndarray((drawn, argb), format="pal8")  # type: ignore[arg-type]
            # GIF times are in 1/100 s: rounding each time stamp avoids accumulated errors.
            frame.pts = round((number - shown[0]) * EVERY * 100 / FRAMES_PER_SECOND)
            frame.time_base = Fraction(1, 100)
            for packet in stream.encode(frame):
                written += packet.size
                file.mux(packet)
            if written > limit:
                return count
        file.mux(stream.encode(None))
    return len(shown) if path.stat().st_size <= limit else len(shown) - 1
