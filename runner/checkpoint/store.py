"""The checkpoints of a run: keeps the newest few, finds the newest valid one.

A checkpoint is there when its last file is: the replay's new segment is written first, then the
state, each aside, flushed to the disk and renamed. What a crash leaves half-done has another name.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from runner.checkpoint.archive import DamagedFileError, read_archive, write_archive
from runner.checkpoint.replay_segments import SUFFIX, ReplaySegments
from runner.errors import RunError, UserError
from runner.memory.replay import ReplayMemory

FORMAT: Final = 2  # raised when another program could not read what is written
STATE_SUFFIX: Final = ".state.npz"


class CheckpointStore:
    """The checkpoints of one run.

    Args:
        folder: Where they are; made when the first is saved.
        memory: The run's replay memory.
        keep: Checkpoints kept.
        run_id: Of the run: checkpoints of another are passed over.
    """

    def __init__(self, folder: Path, memory: ReplayMemory, keep: int, run_id: str) -> None:
        self._folder, self._keep, self._run_id = folder, keep, run_id
        self._segments = ReplaySegments(folder, memory, run_id)
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
        self._folder.mkdir(exist_ok=True)
        self._chain = self._segments.save(_name(step), self._chain)
        content = {
            "format": FORMAT,
            "run": self._run_id,
            "step": step,
            "replay": self._chain,
            "state": state,
        }
        path = self._folder / (_name(step) + STATE_SUFFIX)
        write_archive(path, content)
        self._segments_of[path] = {segment["file"] for segment in self._chain}
        self._delete_all_but_kept(path)

    def load(self, restore: Callable[[int, dict[str, Any]], None]) -> list[str] | None:
        """Restores the newest checkpoint that is whole and fits, the memory's entries included.

        Nothing on the disk changes.

        Args:
            restore: Takes the step and the state. Whatever it raises means that they do not fit:
                it is called again with those of the checkpoint before.

        Returns:
            A line for each newer one that was passed over; None if none was ever saved.

        Raises:
            UserError: None is whole and fits, or another version of this program wrote one.
        """
        saved = self._saved()
        passed_over: list[str] = []
        for path in reversed(saved):
            try:
                content = read_archive(path)
                self._check_origin(path, content)
                self._segments.load(content["replay"])
                restore(content["step"], content["state"])
            except (UserError, RunError, MemoryError):
                raise
            except DamagedFileError as error:
                passed_over.append(str(error))
            except Exception as error:  # whole, and not of this run: whatever it is that differs
                reason = " ".join(str(error).split())[:120]
                passed_over.append(f"{path.name} does not fit: {type(error).__name__} {reason}")
            else:
                self._chain = content["replay"]
                return passed_over
        if not saved:
            return None
        raise UserError(
            f"resume={self._folder.parent}: expected a run with a whole checkpoint of its own "
            f"({'; '.join(passed_over)})"
        )

    def _check_origin(self, path: Path, content: dict[str, Any]) -> None:
        if content["format"] != FORMAT:
            raise UserError(
                f"resume={self._folder.parent}: its checkpoints have format "
                f"{content['format']!r:.40}; expected {FORMAT} (another version of this program "
                "wrote them)"
            )
        if content["run"] != self._run_id:
            raise DamagedFileError(f"{path.name}: it is of another run (see run_id.txt)")
        if path.name != _name(content["step"]) + STATE_SUFFIX:
            raise DamagedFileError(f"{path.name}: it is of step {content['step']!r:.40}")
        if content["replay"][-1]["file"] != _name(content["step"]) + SUFFIX:
            raise DamagedFileError(f"{path.name}: segments are missing")

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
