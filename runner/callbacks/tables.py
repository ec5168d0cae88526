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
    """The file, open only while a row is written. Nothing is written before ``begin``.

    Args:
        path: The file; existing rows are kept.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._counted: int | None = None  # bytes at the checkpoint that the run is resumed from

    def begin(self, columns: Iterable[str]) -> None:
        """Writes the header of a new file; drops a resumed run's rows after its checkpoint."""
        with self._path.open("a+b") as file:
            size = file.seek(0, os.SEEK_END)
            if self._counted is not None:
                if size < self._counted:
                    lost = f"{self._path} is shorter than at the checkpoint: rows are missing"
                    print(f"warning: {lost}", file=sys.stderr, flush=True)
                file.seek(0)
                kept = file.read(self._counted)
                size = file.truncate(kept.rfind(b"\n") + 1)  # complete rows
        if size == 0:
            self.add(columns)

    def add(self, row: Iterable[Any]) -> None:
        """Writes a row."""
        line = io.StringIO()
        csv.writer(line, lineterminator="\n").writerow(row)
        with self._path.open("ab") as file:
            file.write(line.getvalue().encode())

    def get_state(self) -> int:
        """Returns the file's length once it is on the disk, as a checkpoint requires."""
        with self._path.open("ab") as file:
            os.fsync(file.fileno())
            return file.seek(0, os.SEEK_END)

    def set_state(self, state: int) -> None:
        """``begin`` restores the state returned by ``get_state``."""
        self._counted = state
