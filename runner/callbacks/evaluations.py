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
    "step", "episodes", "epsilon", "mean", "std", "min", "max", "seconds", "variance",
    "scores",  # of the individual games, separated by spaces
)  # fmt: skip
Listener = Callable[[int, Evaluation, bool], None]


class Evaluations(Callback):  # type: ignore[misc]
    """Evaluates every ``interval`` steps and on request.

    Evaluations use separate games and generators: they do not affect training.

    Args:
        evaluate: Plays the games; returns None if it was stopped, in which case the evaluation is
            repeated when the run is resumed.
        path: File of the results.
        best_weights: File of the weights with the best mean.
        interval: Steps between evaluations; 0: only on request.
        first: No evaluation by interval before this step.

    ``listeners`` are called with the step, the result, and whether it is the best so far.
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
        self._written: list[Any] = []  # step and scores of the last row

    def on_train_begin(self, logs: Any = None) -> None:
        """Begins the file. Repeats a stopped evaluation: the weights are those of its step."""
        self._table.begin(COLUMNS)
        if self._due_at is not None:
            self.evaluate(self._due_at)

    def on_step_end(self, step: int, logs: Any = None) -> None:
        """Evaluates if an evaluation is due."""
        made = self.model.step + 1
        if self._interval and made % self._interval == 0 and made >= self._first:
            self.evaluate(made)

    def evaluate(self, step: int) -> Evaluation | None:
        """Evaluates, writes the row, and saves the weights if they are the best so far.

        Returns:
            The result; None if the evaluation was stopped.
        """
        if self._last is not None and self._last[0] == step:
            return self._last[1]
        result = self._evaluate()
        self._due_at = step if result is None else None
        if result is None:
            return None
        self._last = step, result
        if self._written == [step, result.returns]:  # the run was resumed at this step
            return result
        self._written = [step, result.returns]
        scores = " ".join(f"{score:.15g}" for score in result.returns)
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
        """Returns the callback's state, including the length of the file."""
        return {
            "best": self._best,
            "due_at": self._due_at,
            "bytes": self._table.get_state(),
            "written": self._written,
        }

    def set_state(self, state: dict[str, Any]) -> None:
        """Restores the state returned by ``get_state``; training begins without later rows."""
        self._best, self._due_at = state["best"], state["due_at"]
        self._table.set_state(state["bytes"])
        self._written = state.get("written", [])  # not in checkpoints of earlier versions
