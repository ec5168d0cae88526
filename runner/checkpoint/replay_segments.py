"""The replay memory on disk: a chain of incremental segment files.

The cost of a checkpoint depends on the new entries, not on the memory's size: new entries are
written to one more segment, and segments that no kept checkpoint needs are deleted.
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
        folder: Folder of the segments.
        memory: The replay memory.
        run_id: Id of the run.
    """

    def __init__(self, folder: Path, memory: ReplayMemory, run_id: str) -> None:
        self._folder, self._memory, self._run_id = folder, memory, run_id
        self._saved = np.zeros(memory.streams, np.int64)  # entries of each stream on disk

    def save(self, name: str, earlier: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Writes the new entries, and lists the segments that hold the memory.

        Args:
            name: Name of the new segment, without suffix.
            earlier: Result of the last call.

        Returns:
            For each segment, oldest first: ``file``, and the entries ``first`` to ``last``
            (exclusive) of each stream, counted from the start of the run.
        """
        memory = self._memory
        # Entries overwritten since the last segment are not needed by any later checkpoint.
        first = np.maximum(self._saved, memory.written - memory.capacity)
        last = memory.written.copy()
        segment = {
            "file": name + SUFFIX,
            "first": first.tolist(),
            "last": last.tolist(),
            "run": self._run_id,
        }
        at = _positions(memory, first, last)
        entries = {ring: getattr(memory, ring)[at] for ring in memory.RINGS}
        write_archive(self._folder / segment["file"], {**segment, **entries})
        self._saved = last
        oldest = last - memory.capacity
        needed = [s for s in earlier if (np.array(s["last"]) > oldest).any()]
        return [*needed, segment]

    def load(self, segments: list[dict[str, Any]]) -> None:
        """Fills the memory from the segments listed in a checkpoint.

        Raises:
            DamagedFileError: A segment is missing, damaged, or from another run.
            ValueError: The segments do not cover the memory.
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
        """Deletes all segments not in ``needed``."""
        for path in self._folder.glob("*" + SUFFIX):
            if path.name not in needed:
                path.unlink(missing_ok=True)


def _positions(memory: ReplayMemory, first: NDArray[np.int64], last: NDArray[np.int64]) -> Any:
    """Streams and ring positions of the entries ``first`` to ``last``, stream by stream."""
    streams = np.repeat(np.arange(memory.streams), last - first)
    entries = np.concatenate([np.arange(a, b) for a, b in zip(first, last, strict=True)])
    return streams, entries % memory.capacity


def _check_chain(segments: list[dict[str, Any]], memory: ReplayMemory) -> NDArray[np.int64]:
    """Checks that ``segments`` cover the memory; returns the entries written per stream.

    Raises:
        ValueError: Entries are missing, or a segment is invalid.
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
    begins = written  # start of the contiguous entries in the segments so far
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
