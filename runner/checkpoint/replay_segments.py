"""The replay memory on disk: a chain of incremental segment files.

A checkpoint costs what is new, not what the memory holds: the newest entries are written to one
more segment, and segments that no kept checkpoint needs are deleted.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from runner.checkpoint.archive import DamagedFileError, read_archive, write_archive
from runner.memory.replay import ReplayMemory

SUFFIX: Final = ".replay.npz"
_NAME: Final = re.compile(r"step_\d{12,}\.replay\.npz")


class ReplaySegments:
    """The segments of one run.

    Args:
        folder: Where they are.
        memory: The memory they hold.
        run_id: Of the run.
    """

    def __init__(self, folder: Path, memory: ReplayMemory, run_id: str) -> None:
        self._folder, self._memory, self._run_id = folder, memory, run_id
        self._saved = np.zeros(memory.streams, np.int64)  # entries of each stream on disk

    def save(self, name: str, earlier: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Writes what is new, and lists the segments that hold the memory.

        Args:
            name: Of the new segment, without suffix.
            earlier: What the last call returned.

        Returns:
            For each segment, oldest first: ``file``, and the entries ``first`` to ``last`` (not
            included) of each stream, counted from the start of the run.
        """
        memory = self._memory
        # What was overwritten since the last segment is of no use to any later checkpoint.
        first = np.maximum(self._saved, memory.written - memory.capacity)
        last = memory.written.copy()
        segment = {
            "file": name + SUFFIX,
            "first": first.tolist(),
            "last": last.tolist(),
            "run": self._run_id,
        }
        write_archive(self._folder / segment["file"], {**segment, **_new_entries(memory, first)})
        self._saved = last
        oldest = last - memory.capacity
        needed = [s for s in earlier if (np.array(s["last"]) > oldest).any()]
        return [*needed, segment]

    def load(self, segments: list[dict[str, Any]]) -> None:
        """Fills the memory from the segments that a checkpoint lists.

        Raises:
            DamagedFileError: One is missing, damaged, or another run's.
            ValueError: They do not hold the memory.
        """
        memory = self._memory
        written = _check_chain(segments, memory)
        for segment in segments:
            content = read_archive(self._folder / segment["file"])
            if any(content[key] != segment[key] for key in ("first", "last", "run")):
                raise DamagedFileError(f"{segment['file']}: it belongs to another checkpoint")
            _fill(memory, content)
        self._saved = written
        memory.written[:] = written

    def delete_all_but(self, needed: set[str]) -> None:
        """Deletes the segments that are not in ``needed``."""
        for path in self._folder.glob("*" + SUFFIX):
            if path.name not in needed:
                path.unlink(missing_ok=True)


def _positions(memory: ReplayMemory, first: NDArray[np.int64], last: NDArray[np.int64]) -> Any:
    """Streams and places in the rings of the entries ``first`` to ``last``, stream by stream."""
    streams = np.repeat(np.arange(memory.streams), last - first)
    entries = np.concatenate([np.arange(a, b) for a, b in zip(first, last, strict=True)])
    return streams, entries % memory.capacity


def _new_entries(memory: ReplayMemory, first: NDArray[np.int64]) -> dict[str, NDArray[Any]]:
    at = _positions(memory, first, memory.written)
    return {name: getattr(memory, name)[at] for name in memory.RINGS}


def _check_chain(segments: list[dict[str, Any]], memory: ReplayMemory) -> NDArray[np.int64]:
    """Checks that ``segments`` hold all entries of the memory; returns how many were written.

    Raises:
        ValueError: They do not.
    """
    spans = []
    for segment in segments:
        if not _NAME.fullmatch(segment["file"]):
            raise ValueError(f"{segment['file'][:40]!r} is no segment")
        first, last = (np.array(segment[key], np.int64) for key in ("first", "last"))
        shapes = {first.shape, last.shape}
        if shapes != {(memory.streams,)} or (first < 0).any() or (first > last).any():
            raise ValueError(f"{segment['file']} is not of {memory.streams} games")
        if (last - first > memory.capacity).any():
            raise ValueError(f"{segment['file']} holds more than the memory")
        spans.append((first, last))
    written = spans[-1][1] if spans else np.zeros(memory.streams, np.int64)
    oldest = np.maximum(written - memory.capacity, 0)
    begins = written  # of what the segments looked at so far hold, in a row
    for first, last in reversed(spans):
        open_ = begins > oldest
        if (last != begins)[open_].any():
            raise ValueError("segments are missing")
        begins = np.where(open_, first, begins)
    if (begins > oldest).any():
        raise ValueError("segments are missing")
    return written


def _fill(memory: ReplayMemory, content: dict[str, Any]) -> None:
    first, last = np.array(content["first"]), np.array(content["last"])
    streams, at = _positions(memory, first, last)
    for name in memory.RINGS:
        ring, entries = getattr(memory, name), content[name]
        shape = (len(streams), *ring.shape[2:])
        if (entries.shape, entries.dtype) != (shape, ring.dtype):
            raise ValueError(f"{content['file']}: {name} {entries.shape}, expected {shape}")
        ring[streams, at] = entries
