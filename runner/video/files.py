"""Recordings to files: MP4 that every browser plays, and GIF below a size. Real speed, both."""

from __future__ import annotations

import os
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Final

import av
import numpy as np
from numpy.typing import NDArray

from runner.video.picture import LARGE, SMALL, Size, picture, strip, with_strip_colours
from runner.video.replay import FRAMES_PER_SECOND, Recording, Replay

# Quality and speed of x264: flat colours and sharp edges, at twice the console's resolution.
X264: Final = {"crf": "20", "preset": "veryfast"}
# Every n-th frame of the emulator, and the size: from smooth and large to what always gets smaller.
# Odd numbers: what is drawn in every other frame only, as much is on this console, stays visible.
GIF_STEPS: Final = ((3, LARGE), (3, SMALL), (5, SMALL), (9, SMALL), (15, SMALL))


def write_mp4(recording: Recording, palette: NDArray[np.uint8], path: Path) -> None:
    """Writes every frame of the emulator, 60 a second, H.264 in yuv420p.

    Args:
        recording: The game.
        palette: (256, 3) uint8 RGB by colour number.
        path: The file; written aside and renamed.
    """
    colours = with_strip_colours(palette)
    aside = path.with_name(f".{path.name}")
    try:
        with av.open(str(aside), "w", format="mp4", options={"movflags": "faststart"}) as file:
            stream = file.add_stream("libx264", rate=FRAMES_PER_SECOND, options=X264)
            stream.width, stream.height = LARGE.width, LARGE.height + LARGE.strip
            stream.pix_fmt = "yuv420p"
            stream.thread_count = 1  # the other cores are for the training
            for _, drawn in _pictures(recording, 1, LARGE):
                frame = av.VideoFrame.from_ndarray(colours[drawn], format="rgb24")
                file.mux(stream.encode(frame))
            file.mux(stream.encode(None))
        os.replace(aside, path)
    finally:
        aside.unlink(missing_ok=True)


def write_gif(
    recording: Recording, palette: NDArray[np.uint8], frames: int, path: Path, megabytes: float
) -> str:
    """Writes a GIF of at most ``megabytes``: the smoothest and largest that fits.

    Frames are left out, then the size halved; if the fewest and smallest are still too many, only
    the last part of the game is shown.

    Args:
        recording: The game.
        palette: (256, 3) uint8 RGB by colour number.
        frames: Of the game.
        path: The file; written aside and renamed.
        megabytes: 10^6 bytes.

    Returns:
        What is missing of the game, in words; empty: nothing.
    """
    limit = int(megabytes * 1e6)
    aside = path.with_name(f".{path.name}")
    first = 0
    attempts = [*GIF_STEPS]
    try:
        while True:
            every, size = attempts.pop(0)
            shown = _write_gif(recording, palette, aside, limit, first, every, size)
            if shown is None:
                os.replace(aside, path)
                return (
                    f"only its last {(frames - first) / FRAMES_PER_SECOND:.0f} s" if first else ""
                )
            if not attempts:
                # So much fitted of what is left: of the end, a little less may.
                first = frames - max(int(0.8 * (shown - first)), every)
                attempts = [(every, size)]
    finally:
        aside.unlink(missing_ok=True)


def _write_gif(
    recording: Recording,
    palette: NDArray[np.uint8],
    path: Path,
    limit: int,
    first: int,
    every: int,
    size: Size,
) -> int | None:
    """Writes frames from ``first`` on; returns where it stopped at the limit, or None: all."""
    colours = _argb(with_strip_colours(palette))
    with av.open(str(path), "w", format="gif", options={"loop": "0"}) as file:
        stream = file.add_stream("gif", rate=100)
        stream.width, stream.height, stream.pix_fmt = size.width, size.height + size.strip, "pal8"
        written = 0
        for number, drawn in _pictures(recording, every, size, first):
            frame = av.VideoFrame.from_ndarray((drawn, colours), format="pal8")  # type: ignore[arg-type]
            # GIF counts hundredths of a second: rounded each, so that errors do not add up.
            frame.pts = round((number - first) * 100 / FRAMES_PER_SECOND)
            frame.time_base = Fraction(1, 100)
            for packet in stream.encode(frame):
                written += packet.size
                file.mux(packet)
            if written > limit:
                return number
        file.mux(stream.encode(None))
    return None if path.stat().st_size <= limit else number


def _pictures(
    recording: Recording, every: int, size: Size, first: int = 0
) -> Iterator[tuple[int, NDArray[np.uint8]]]:
    """Yields number and picture of every ``every``-th frame from ``first`` on."""
    text, above = ("", ""), strip(size, "", "")
    right = recording.label or f"step {recording.step:,}"
    for number, frame in enumerate(Replay(recording)):
        if number < first or (number - first) % every:
            continue
        wanted = (f"score {frame.score:,g}", right)
        if wanted != text:
            text, above = wanted, strip(size, *wanted)
        yield number, picture(frame.screen, above, size)


def _argb(palette: NDArray[np.uint8]) -> NDArray[np.uint8]:
    opaque = np.full((256, 1), 255, np.uint8)
    opaque[5] = 0  # transparent: what has not changed since the frame before
    return np.concatenate([opaque, palette], axis=1)
