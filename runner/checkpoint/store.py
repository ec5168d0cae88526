"""The checkpoints of a run: keeps the newest few, finds the newest valid one.

A checkpoint exists once its last file does: the new replay segment is written first, then the
state, each to a temporary file that is flushed to the disk and renamed. A crash leaves only
temporary files incomplete.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from runner.checkpoint.archive import DamagedFileError, read_archive, write_archive
from runner.checkpoint.replay_segments import SUFFIX, ReplaySegments
from runner.errors import RunError, UserError, reason
from runner.memory.replay import ReplayMemory

FORMAT: Final = 2  # increased with every incompatible change
STATE_SUFFIX: Final = ".state.npz"


class CheckpointStore:
    """The checkpoints of one run.

    Args:
        folder: Folder of the checkpoints; created with the first.
        memory: The run's replay memory.
        keep: Number of checkpoints kept.
        run_id: Id of the run: checkpoints of another run are skipped.
    """

    def __init__(self, folder: Path, memory: ReplayMemory, keep: int, run_id: str) -> None:
        self._folder, self._keep, self._run_id = folder, keep, run_id
        self._segments = ReplaySegments(folder, memory, run_id)
        self._chain: list[dict[str, Any]] = []
        self._segments_of: dict[Path, set[str]] = {}  # of known checkpoints

    def save(self, step: int, state: dict[str, Any]) -> None:
        """Saves a checkpoint, and deletes those no longer kept.

        Args:
            step: Steps of the run.
            state: The state without the replay memory's entries.

        Raises:
            OSError: The disk is full or not writable; earlier checkpoints are intact.
        """
        self._folder.mkdir(exist_ok=True)
        self._chain = self._segments.save(_name(step), self._chain)
        path = self._folder / (_name(step) + STATE_SUFFIX)
        origin = {"format": FORMAT, "run": self._run_id, "step": step, "replay": self._chain}
        write_archive(path, {**origin, "state": state})
        self._segments_of[path] = {segment["file"] for segment in self._chain}
        self._delete_all_but_kept(path)

    def load(self, restore: Callable[[int, dict[str, Any]], None]) -> list[str] | None:
        """Restores the newest undamaged, compatible checkpoint, including the memory's entries.

        No file changes.

        Args:
            restore: Restores a step and a state. Any exception marks the checkpoint as
                incompatible, and the previous one is tried.

        Returns:
            A line for each newer checkpoint that was skipped; None if none was ever saved.

        Raises:
            UserError: No checkpoint is usable, or one has the format of another version.
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
            except Exception as error:  # undamaged, but incompatible with this run
                why = f"{type(error).__name__} {reason(error, 120)}"
                passed_over.append(f"{path.name} does not fit: {why}")
            else:
                self._chain = content["replay"]
                return passed_over
        if not saved:
            return None
        raise UserError(
            f"resume={self._folder.parent}: expected a run with an undamaged checkpoint of its own "
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
            raise DamagedFileError(f"{path.name}: it belongs to another run (see run_id.txt)")
        if path.name != _name(content["step"]) + STATE_SUFFIX:
            raise DamagedFileError(f"{path.name}: its step is {content['step']!r:.40}")
        if content["replay"][-1]["file"] != _name(content["step"]) + SUFFIX:
            raise DamagedFileError(f"{path.name}: segments are missing")

    def _saved(self) -> list[Path]:
        """Checkpoints, oldest first."""
        return sorted(self._folder.glob("step_*" + STATE_SUFFIX))

    def _delete_all_but_kept(self, newest: Path) -> None:
        saved = self._saved()
        # Checkpoints after the newest were damaged, and the run was not resumed from them.
        past = [path for path in saved if path <= newest]
        needed: set[str] = set()
        for path in saved:
            if path in past[-self._keep :] and (segments := self._segments_needed_by(path)):
                needed |= segments
            else:
                path.unlink()
        self._segments.delete_all_but(needed)

    def _segments_needed_by(self, path: Path) -> set[str]:
        """The segments listed in a checkpoint; none if it is damaged."""
        if path not in self._segments_of:
            try:
                listed = {segment["file"] for segment in read_archive(path)["replay"]}
            except (DamagedFileError, KeyError, TypeError):
                listed = set()
            self._segments_of[path] = listed
        return self._segments_of[path]


def _name(step: int) -> str:
    return f"step_{step:012d}"
