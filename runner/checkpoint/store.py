"""Whole checkpoints of a run: the newest few are kept, and the newest whole one is found again.

A checkpoint is there when its last file is: the replay's new segment is written first, then the
state, each aside, flushed to the disk and renamed. What a crash leaves half-done has another name.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from runner.checkpoint.archive import DamagedFileError, read_archive, write_archive
from runner.checkpoint.replay_segments import ReplaySegments
from runner.errors import UserError
from runner.memory.replay import ReplayMemory

FORMAT: Final = 2  # raised when another program could not read what is written
STATE_SUFFIX: Final = ".state.npz"


class CheckpointStore:
    """The checkpoints of one run.

    Args:
        folder: Where they are; made if need be.
        memory: The run's replay memory.
        keep: Checkpoints kept.
    """

    def __init__(self, folder: Path, memory: ReplayMemory, keep: int) -> None:
        self._folder, self._keep = folder, keep
        folder.mkdir(exist_ok=True)
        self._segments = ReplaySegments(folder, memory)
        self._chain: list[dict[str, Any]] = []
        self._segments_of: dict[Path, set[str]] = {}  # of the checkpoints seen so far

    def save(self, step: int, state: dict[str, Any]) -> None:
        """Saves a checkpoint, and deletes those no longer kept.

        Args:
            step: Steps made.
            state: All but the replay memory's entries.

        Raises:
            OSError: The disk is full or cannot be written to; the checkpoints before are intact.
        """
        self._chain = self._segments.save(_name(step), self._chain)
        content = {"format": FORMAT, "step": step, "replay": self._chain, "state": state}
        path = self._folder / (_name(step) + STATE_SUFFIX)
        write_archive(path, content)
        self._segments_of[path] = {segment["file"] for segment in self._chain}
        self._delete_all_but_kept(path)

    def load(self) -> tuple[int, dict[str, Any], list[str]] | None:
        """Loads the newest whole checkpoint, the memory's entries included.

        Returns:
            Its step, its state, and a line for each newer one that is damaged; None if no
            checkpoint was ever saved.

        Raises:
            UserError: All are damaged, or written by another version of this program.
        """
        if not self._saved():
            return None
        damaged = []
        for path in reversed(self._saved()):
            try:
                content = read_archive(path)
                if content["format"] != FORMAT:
                    raise UserError(
                        f"resume={self._folder.parent}: its checkpoints have format "
                        f"{content['format']}; expected {FORMAT} (another version of this program "
                        "wrote them)"
                    )
                self._segments.load(content["replay"])
            except (DamagedFileError, KeyError, TypeError) as error:
                damaged.append(str(error))
                continue
            self._chain = content["replay"]
            return content["step"], content["state"], damaged
        raise UserError(
            f"resume={self._folder.parent}: expected a run with a whole checkpoint "
            f"({'; '.join(damaged)})"
        )

    def _saved(self) -> list[Path]:
        """Checkpoints, oldest first."""
        return sorted(self._folder.glob("step_*" + STATE_SUFFIX))

    def _delete_all_but_kept(self, newest: Path) -> None:
        saved = self._saved()
        # Later ones than the newest are of a course that was not resumed from: they were damaged.
        past = [path for path in saved if path <= newest]
        needed: set[str] = set()
        for path in saved:
            if path in past[-self._keep :] and (segments := self._segments_needed_by(path)):
                needed |= segments
            else:
                path.unlink()
        self._segments.delete_all_but(needed)

    def _segments_needed_by(self, path: Path) -> set[str]:
        """The files that a checkpoint lists; none if it is damaged."""
        if path not in self._segments_of:
            try:
                listed = {segment["file"] for segment in read_archive(path)["replay"]}
            except (DamagedFileError, KeyError, TypeError):
                listed = set()
            self._segments_of[path] = listed
        return self._segments_of[path]


def _name(step: int) -> str:
    return f"step_{step:012d}"
