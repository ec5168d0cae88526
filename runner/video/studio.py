"""Encodes videos in a separate process, one at a time, while training continues."""

from __future__ import annotations

import atexit
import contextlib
import multiprocessing
import os
import signal
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from runner.errors import RunError, reason
from runner.settings.schema import VideoConfig
from runner.video.replay import Recording, survey

Prepared = Callable[[Recording], Recording]


@dataclass(frozen=True)
class Video:
    """Video files of a game."""

    step: int  # of the run
    score: float  # points of the game
    mp4: Path | None
    gif: Path | None


@dataclass(frozen=True)
class Filmed:
    """Result of encoding a recording."""

    video: Video | None  # None: nothing could be written
    problem: str  # one line; empty: no error
    next_start: dict[str, Any] | None  # state of the emulator after the game; None: unknown


def film(
    recording: Recording,
    video: VideoConfig,
    folder: Path,
    name: str = "",
    progress: Callable[[float], None] = lambda share: None,
    prepared: Prepared = lambda recording: recording,
) -> Filmed:
    """Writes the files of a recording selected by ``video``.

    Args:
        recording: The game.
        video: Settings of the files.
        folder: Output folder, created if missing.
        name: Name of the files; empty: step and score.
        progress: Called with the completed share, 0 to 1.
        prepared: Adds the overlay.
    """
    # Imported here: the training process needs neither OpenCV's fonts nor FFmpeg.
    from runner.video.files import write_videos

    path = folder / (name or f"step_{recording.step:08d}_score_{recording.score:.0f}")
    mp4 = path.with_name(f"{path.name}.mp4") if video.mp4 else None
    gif = path.with_name(f"{path.name}.gif") if video.gif else None
    try:
        folder.mkdir(parents=True, exist_ok=True)
        played = write_videos(prepared(recording), mp4, gif, video.gif_megabytes, progress)
    except RunError as error:
        return Filmed(None, str(error), None)
    except (OSError, ImportError, ValueError) as error:  # FFmpeg's errors are OSError, ValueError
        why = getattr(error, "strerror", None) or reason(error)
        return Filmed(None, f"{path.name}: {why}", survey(recording).next_start)
    return Filmed(Video(recording.step, recording.score, mp4, gif), "", played.next_start)


class Studio:
    """The encoder process. It starts with the first recording, and ends with its parent process.

    Args:
        video: Settings of the files.
        folder: Output folder.
        prepared: Adds the overlay, in the process; must be picklable.
    """

    def __init__(self, video: VideoConfig, folder: Path, prepared: Prepared) -> None:
        self.folder = folder
        self._video, self._prepared = video, prepared
        self._process: Any = None
        self._pipe: Connection | None = None
        self.busy = False
        self.share = 0.0  # completed share of the recording

    def submit(self, recording: Recording) -> None:
        """Starts encoding; the previous recording must be done."""
        assert not self.busy
        self.busy, self.share = True, 0.0
        with contextlib.suppress(OSError):  # a dead process is reported by done()
            if self._pipe is None:
                self._pipe = self._start()
            self._pipe.send(recording)

    def _start(self) -> Connection:
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        arguments = (theirs, self._video, self.folder, self._prepared)
        self._process = context.Process(target=_work, args=arguments, daemon=True)
        self._process.start()
        theirs.close()
        atexit.register(self.close)  # for any end of the run
        return ours

    def done(self, timeout: float = 0.0) -> Filmed | None:
        """Returns the result of the recording, or None if it is still being encoded.

        Args:
            timeout: Seconds to wait for the result.
        """
        if not self.busy:
            return None
        try:
            if self._pipe is None:
                raise EOFError
            while self._pipe.poll(timeout):
                message: Filmed | float = self._pipe.recv()
                if isinstance(message, Filmed):
                    self.busy = False
                    return message
                self.share = message
        except (EOFError, OSError):
            self.close()
            return Filmed(None, "the encoder process died", None)
        return None

    def close(self) -> None:
        """Ends the process; unfinished files are not written."""
        if self._pipe is not None:
            self._pipe.close()
            self._process.kill()
            self._process.join()
            atexit.unregister(self.close)
        self._pipe, self.busy = None, False


def _work(pipe: Connection, video: VideoConfig, folder: Path, prepared: Prepared) -> None:
    """Main loop of the process, until its pipe closes."""
    for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGUSR1"):  # sent to the whole process group
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    if hasattr(os, "nice"):  # not on Windows
        os.nice(10)  # training comes first
    with contextlib.suppress(EOFError, OSError):
        while True:
            filmed = film(pipe.recv(), video, folder, progress=pipe.send, prepared=prepared)
            pipe.send(filmed)
