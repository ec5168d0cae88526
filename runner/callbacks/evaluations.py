"""Periodic evaluations: rows in ``evaluations.csv``, and the best weights."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from runner.callbacks.tables import Table
from runner.evaluation import Evaluation
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
Listener = Callable[[int, Evaluation, bool], None]


class Evaluations(Callback):  # type: ignore[misc]
    """Evaluates every ``interval`` steps, and whenever it is told to.

    It plays games of its own with generators of its own: the training is the same without it.

    Args:
        evaluate: Plays the games, or returns None if it was stopped before the end: then it is
            done again when the run is resumed.
        path: The file of the results.
        best_weights: The file of the weights of the best mean.
        interval: Steps between two; 0: only when told to.
        first: No evaluation by interval before this step.

    ``listeners`` hear every step and result, and whether it is the best so far.
    """

    def __init__(
        self,
        evaluate: Callable[[], Evaluation | None],
        path: Path,
        best_weights: Path,
        interval: int,
        first: int = 0,
    ) -> None:
        super().__init__()
        self.listeners: list[Listener] = []
        self._evaluate, self._table, self._best_weights = evaluate, Table(path), best_weights
        self._interval, self._first = interval, first
        self._best = -math.inf
        self._due_at: int | None = None  # step of an evaluation that was stopped
        self._last: tuple[int, Evaluation] | None = None

    def on_train_begin(self, logs: Any = None) -> None:
        """Opens the file. What was stopped is evaluated now: the weights are those of its step."""
        self._table.open(COLUMNS)
        if self._due_at is not None:
            self.evaluate(self._due_at)

    def on_step_end(self, step: int, logs: Any = None) -> None:
        """Evaluates if it is time."""
        made = self.model.step + 1
        if self._interval and made % self._interval == 0 and made >= self._first:
            self.evaluate(made)

    def evaluate(self, step: int) -> Evaluation | None:
        """Evaluates now, writes the line, and saves the weights if they are the best so far.

        Returns:
            The result; None if it was stopped.
        """
        if self._last is not None and self._last[0] == step:
            return self._last[1]
        result = self._evaluate()
        self._due_at = step if result is None else None
        if result is None:
            return None
        self._last = step, result
        scores = " ".join(f"{score:g}" for score in result.returns)
        values = {**vars(result), "step": step, "scores": scores}
        self._table.add(values[name] for name in COLUMNS)
        is_best = result.mean > self._best
        if is_best:
            self._best = result.mean
            self.model.save_weights(str(self._best_weights), overwrite=True)
        for listener in self.listeners:
            listener(step, result, is_best)
        return result

    def get_state(self) -> dict[str, Any]:
        """Returns where it stands, the length of the file included."""
        return {"best": self._best, "due_at": self._due_at, "bytes": self._table.get_state()}

    def set_state(self, state: dict[str, Any]) -> None:
        """Goes back to what ``get_state`` returned; later lines are cut off when it begins."""
        self._best, self._due_at = state["best"], state["due_at"]
        self._table.set_state(state["bytes"])
