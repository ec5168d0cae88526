"""``metrics.csv``: one line per finished game."""

from __future__ import annotations

import csv
import time
from pathlib import Path
from typing import Any, Final

from runner.callbacks.games import Game, GameFollower

COLUMNS: Final = (
    "step",  # steps of the run when the game ended
    "frames",  # emulator frames of the run by then
    "wall_time",  # seconds since training began
    "episode_return",  # points of the game, unclipped
    "episode_length",  # its steps
    "loss",  # mean over the updates since the line before
    "mean_q",  # the same
    "epsilon",  # at its last action; with a policy that has a temperature, ``tau`` instead
)


class MetricsFile(GameFollower):
    """Writes the lines.

    Args:
        path: The file.
        start_step: The step to count from.
    """

    def __init__(self, path: Path, start_step: int = 0) -> None:
        super().__init__(start_step)
        self._path = path

    def on_train_begin(self, logs: Any = None) -> None:
        """Opens the file, and writes its first line if it is new."""
        self._began = time.perf_counter()
        self._file = self._path.open("a", newline="", buffering=1)  # a line at a time
        self._writer = csv.writer(self._file, lineterminator="\n")
        if self._file.tell() == 0:
            self._writer.writerow([*COLUMNS[:-1], self.exploration[0]])

    def get_state(self) -> dict[str, Any]:
        """Returns where it stands, the length of the file and the time so far included."""
        seconds = time.perf_counter() - self._began
        return {**super().get_state(), "bytes": self._file.tell(), "seconds": seconds}

    def set_state(self, state: dict[str, Any]) -> None:
        """Goes back to what ``get_state`` returned: later lines are cut off."""
        super().set_state(state)
        self._began = time.perf_counter() - state["seconds"]
        self._file.truncate(state["bytes"])

    def on_game_end(self, game: Game) -> None:
        """Writes one line."""
        loss, mean_q = self.averages()
        seconds = time.perf_counter() - self._began
        self._writer.writerow([
            game.step, game.frames, f"{seconds:.3f}", f"{game.points:g}", game.length,
            f"{loss:.6g}", f"{mean_q:.6g}", f"{self.exploration[1]:.6g}",
        ])  # fmt: skip

    def on_train_end(self, logs: Any = None) -> None:
        """Closes the file."""
        self._file.close()
