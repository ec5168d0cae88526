"""Evaluations on the way: a line in ``evaluations.csv`` each, and the best weights kept."""

from __future__ import annotations

import csv
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from runner.keras_rl2 import Callback

COLUMNS: Final = (
    "step",
    "episodes",
    "epsilon",
    "mean",
    "std",
    "min",
    "max",
    "seconds",
    "variance",
    "scores",  # of the single games, with spaces between
)
Listener = Callable[[dict[str, Any], bool], None]


class Evaluations(Callback):  # type: ignore[misc]
    """Evaluates every ``interval`` steps, and whenever it is told to.

    It plays games of its own with generators of its own: the training is the same without it.

    Args:
        evaluate: Plays the games and returns the result (see ``runner.evaluation``), or None if it
            was stopped before the end: then it is done again when the run is resumed.
        path: The file of the results.
        best_weights: The file of the weights of the best mean.
        interval: Steps between two; 0: only when told to.
        start_step: The step to count from.
        first: No evaluation by interval before this step.

    ``listeners`` hear every result, with ``step``, and whether it is the best so far.
    """

    def __init__(
        self,
        evaluate: Callable[[], dict[str, Any] | None],
        path: Path,
        best_weights: Path,
        interval: int,
        start_step: int = 0,
        first: int = 0,
    ) -> None:
        super().__init__()
        self.listeners: list[Listener] = []
        self._evaluate, self._path, self._best_weights = evaluate, path, best_weights
        self._interval, self._first, self._step = interval, first, start_step
        self._best = -math.inf
        self._due_at: int | None = None  # step of an evaluation that was stopped
        self._last: dict[str, Any] | None = None

    def on_train_begin(self, logs: Any = None) -> None:
        """Writes the first line of a new file."""
        if not self._path.exists():
            self._path.write_text(",".join(COLUMNS) + "\n")

    def on_step_end(self, step: int, logs: Any = None) -> None:
        """Evaluates if it is time."""
        self._step += 1
        if self._interval and self._step % self._interval == 0 and self._step >= self._first:
            self.evaluate(self._step)

    def evaluate(self, step: int) -> dict[str, Any] | None:
        """Evaluates now, writes the line, and saves the weights if they are the best so far.

        Returns:
            The result, with ``step``; None if it was stopped.
        """
        if self._last is not None and self._last["step"] == step:
            return self._last
        played = self._evaluate()
        self._due_at = step if played is None else None
        if played is None:
            return None
        self._last = result = {"step": step, **played}
        row = {**result, "scores": " ".join(f"{score:g}" for score in result["returns"])}
        with self._path.open("a", newline="") as file:
            csv.writer(file, lineterminator="\n").writerow([row[name] for name in COLUMNS])
        is_best = result["mean"] > self._best
        if is_best:
            self._best = result["mean"]
            self.model.save_weights(str(self._best_weights), overwrite=True)
        for listener in self.listeners:
            listener(result, is_best)
        return result

    def get_state(self) -> dict[str, Any]:
        """Returns where it stands, the length of the file included."""
        return {
            "step": self._step,
            "best": self._best,
            "due_at": self._due_at,
            "bytes": self._path.stat().st_size,
        }

    def set_state(self, state: dict[str, Any]) -> None:
        """Goes back to what ``get_state`` returned: later lines are cut off.

        To be called when the agent's weights are back: what was stopped is evaluated now.
        """
        self._step, self._best = state["step"], state["best"]
        with self._path.open("r+") as file:
            file.truncate(state["bytes"])
        if state["due_at"] is not None:  # the weights are still those of that step
            self.evaluate(state["due_at"])
