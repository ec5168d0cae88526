"""Saves weights at intervals or at the end of each game."""

from __future__ import annotations

from typing import Any

from runner.keras_rl2 import ModelIntervalCheckpoint


class IntervalWeights(ModelIntervalCheckpoint):  # type: ignore[misc]
    """Saves ``filepath`` (with ``{step}``) every ``interval`` steps of the run.

    keras-rl2's ModelIntervalCheckpoint counts only the steps since the last resume.
    """

    def on_step_end(self, step: int, logs: Any = None) -> None:
        """Saves at the end of an interval."""
        self.total_steps = self.model.step
        super().on_step_end(step, logs)


class EpisodeWeights(ModelIntervalCheckpoint):  # type: ignore[misc]
    """Saves ``filepath`` (with ``{step}``) at the end of every game."""

    def on_step_end(self, step: int, logs: Any = None) -> None:
        """Saves after the last transition of a game."""
        if logs["info"]["game_over"]:
            path = self.filepath.format(step=self.model.step + 1)
            self.model.save_weights(path, overwrite=True)
