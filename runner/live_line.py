"""A progress line."""

from __future__ import annotations

import shutil
import time
from typing import Final, TextIO

REFRESH: Final = 0.5  # seconds between two updates of the line on a terminal
CLEAR: Final = "\r\x1b[2K"  # clears a terminal's current line


class LiveLine:
    """A line that is rewritten on a terminal; dated lines elsewhere.

    Args:
        stream: Output stream.
        interval: Seconds between lines if the output is not a terminal.
    """

    def __init__(self, stream: TextIO, interval: float) -> None:
        self._stream, self._live = stream, stream.isatty()
        self._every = REFRESH if self._live else interval
        self.shown = time.perf_counter()  # time of the last line

    def is_due(self, now: float) -> bool:
        """Whether a new line is due at ``now`` seconds of ``time.perf_counter``."""
        return now - self.shown >= self._every

    def show(self, line: str, now: float) -> None:
        """Shows a line."""
        if self._live:
            self._write(CLEAR + line[: shutil.get_terminal_size().columns - 1])
        else:
            self._write(time.strftime("%Y-%m-%d %H:%M:%S ") + line + "\n")
        self.shown = now

    def clear(self) -> None:
        """Clears the line for other output."""
        if self._live:
            self._write(CLEAR)

    def end(self) -> None:
        """Ends the last line."""
        if self._live:
            self._write("\n")

    def _write(self, text: str) -> None:
        print(text, end="", file=self._stream, flush=True)
