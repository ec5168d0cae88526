"""Paths as typed, and atomic file writes: temporary file, sync, rename."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO


def typed_path(text: str | Path) -> Path:
    """The path ``text``, with ``~`` expanded; ``~name`` stays if there is no user of this name."""
    return Path(os.path.expanduser(text))


@contextlib.contextmanager
def written_whole(path: Path) -> Iterator[BinaryIO]:
    """Opens a file that replaces ``path`` when the block ends without an error.

    Raises:
        OSError: The disk is full or not writable; ``path`` is unchanged.
    """
    aside = path.with_name(f".{path.name}.tmp")
    try:
        aside.unlink(missing_ok=True)  # left by a crash, or a malicious link
        with aside.open("x+b") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(aside, path)
        _sync_folder(path.parent)
    finally:
        aside.unlink(missing_ok=True)


def _sync_folder(folder: Path) -> None:
    """Makes a rename survive a power failure, if the system supports it."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
