"""An append-only CSV file that is truncated to the checkpoint when a run is resumed."""

from __future__ import annotations

import csv
import io
import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any


class Table:
    """The file. Nothing is written before ``open``.

    Args:
        path: The file; existing rows are kept.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._counted: int | None = None  # bytes at the checkpoint that the run is resumed from

    def open(self, columns: Iterable[str]) -> None:
        """Opens the file; drops a resumed run's rows after its checkpoint."""
        self._file = self._path.open("a+b", buffering=0)
        size = self._file.seek(0, os.SEEK_END)
        if self._counted is not None:
            if size < self._counted:
                lost = f"{self._path} is shorter than at the checkpoint: rows are missing"
                print(f"warning: {lost}", file=sys.stderr, flush=True)
            self._file.seek(0)
            kept = self._file.read(self._counted)
            size = self._file.truncate(kept.rfind(b"\n") + 1)  # complete rows
        if size == 0:
            self.add(columns)

    def add(self, row: Iterable[Any]) -> None:
        """Writes a row."""
        line = io.StringIO()
        csv.writer(line, lineterminator="\n").writerow(row)
        self._file.write(line.getvalue().encode())

    def get_state(self) -> int:
        """Returns the file's length once it is on the disk, as a checkpoint requires."""
        os.fsync(self._file.fileno())
        return self._file.seek(0, os.SEEK_END)

    def set_state(self, state: int) -> None:
        """Restores the state returned by ``get_state``, when the file is opened."""
        self._counted = state

    def close(self) -> None:
        """Closes the file."""
        self._file.close()
