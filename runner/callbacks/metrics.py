"""``metrics.csv``: one row per finished game."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from runner.callbacks.games import Game, Story
from runner.callbacks.tables import Table
from runner.keras_rl2 import Callback

COLUMNS: Final = (
    "step",  # steps of the run when the game ended
    "frames",  # emulator frames of the run when the game ended
    "wall_time",  # seconds since training began
    "episode_return",  # points of the game, unclipped
    "episode_length",  # steps of the game
    "loss",  # mean over the updates since the previous row
    "mean_q",  # mean over the same updates
    "epsilon",  # at the last action; ``tau`` for a policy with a temperature
)


class MetricsFile(Callback):  # type: ignore[misc]
    """Writes the rows.

    Args:
        path: The file.
        story: Counters of the training; called before this callback.
    """

    def __init__(self, path: Path, story: Story) -> None:
        super().__init__()
        self._story, self._table, self._averages = story, Table(path), story.averages()
        story.listeners.append(self.game_ended)

    def on_train_begin(self, logs: Any = None) -> None:
        """Writes the header of a new file."""
        self._table.begin([*COLUMNS[:-1], self._story.exploration[0]])

    def game_ended(self, game: Game) -> None:
        """Writes one row."""
        loss, mean_q = self._averages.take()
        self._table.add([
            game.step, game.frames, f"{self._story.seconds:.3f}", f"{game.points:.15g}",
            game.length, f"{loss:.6g}", f"{mean_q:.6g}", f"{self._story.exploration[1]:.6g}",
        ])  # fmt: skip

    def get_state(self) -> dict[str, Any]:
        """Returns the callback's state, including the length of the file."""
        return {"bytes": self._table.get_state(), "sums": list(self._averages.sums)}

    def set_state(self, state: dict[str, Any]) -> None:
        """Restores the state returned by ``get_state``; training begins without later rows."""
        self._table.set_state(state["bytes"])
        self._averages.sums = list(state["sums"])
