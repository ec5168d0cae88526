"""Weights files on the way: every so many steps, or at the end of every game."""

from __future__ import annotations

from typing import Any

from runner.keras_rl2 import ModelIntervalCheckpoint


class IntervalWeights(ModelIntervalCheckpoint):  # type: ignore[misc]
    """Saves ``filepath`` (with ``{step}``) every ``interval`` steps from ``start_step`` on.

    keras-rl2's ModelIntervalCheckpoint, counting as the run counts.
    """

    def __init__(self, filepath: str, interval: int, start_step: int = 0) -> None:
        super().__init__(filepath, interval)
        self.total_steps = start_step

    def get_state(self) -> dict[str, Any]:
        """Returns where it stands, of plain types."""
        return {"total_steps": self.total_steps}

    def set_state(self, state: dict[str, Any]) -> None:
        """Goes back to what ``get_state`` returned."""
        self.total_steps = state["total_steps"]


class EpisodeWeights(IntervalWeights):
    """Saves ``filepath`` (with ``{step}``) at the end of every game."""

    def on_step_end(self, step: int, logs: Any = None) -> None:
        """Counts one transition, and saves if it was a game's last."""
        self.total_steps += 1
        if logs["info"]["game_over"]:
            self.model.save_weights(self.filepath.format(step=self.total_steps), overwrite=True)
