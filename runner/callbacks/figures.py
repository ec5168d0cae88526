"""Collects training metrics and passes them to the logger sinks."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from runner.callbacks.games import Game, Story
from runner.callbacks.sinks import Sink
from runner.evaluation import Evaluation
from runner.keras_rl2 import Callback
from runner.video.studio import Video

_NAMES: Final = {"eps": "epsilon"}  # keras-rl2's attribute -> name of the curve


class Figures(Callback):  # type: ignore[misc]
    """Scalars of every game and of every ``interval`` steps, histograms, evaluations, videos.

    Args:
        sinks: Sinks by name.
        interval: Steps between points of the curves, and between histograms.
        story: Counters of the training; called before this callback.
    """

    def __init__(self, sinks: Mapping[str, Sink], interval: int, story: Story) -> None:
        super().__init__()
        self._sinks, self._interval, self._story = sinks, interval, story
        self._averages = story.averages()
        self._counts: list[int] = []  # of each action since the last interval
        self._scores: list[float] = []  # of games that ended since the last interval
        self._kept: dict[str, Any] = {}  # sink states of a resumed run
        self._timed_step: int | None = None
        story.listeners.append(self.game_ended)

    def on_train_begin(self, logs: Any = None) -> None:
        """Starts the clock; resets the sinks of a resumed run to its step."""
        self._counts = self._counts or [0] * self.model.nb_actions
        for name, kept in self._kept.items():
            if name in self._sinks:
                self._sinks[name].set_state(kept, self._story.step)
        self._timed_from = time.perf_counter()

    def on_step_end(self, step: int, logs: Any = None) -> None:
        """Counts one transition; writes at the end of an interval."""
        self._counts[logs["action"]] += 1
        if self._story.step % self._interval == 0:
            self._write()

    def game_ended(self, game: Game) -> None:
        """Writes the game's metrics."""
        self._scores.append(game.points)
        self._scalars(game.step, {"score": game.points, "episode_steps": game.length})

    def on_train_end(self, logs: Any = None) -> None:
        """Writes the remaining metrics; the final evaluation may follow."""
        if self._story.step % self._interval:
            self._write()

    def _write(self) -> None:
        step, now = self._story.step, time.perf_counter()
        loss, mean_q = self._averages.take()
        since = self._story.first_step if self._timed_step is None else self._timed_step
        speed = (step - (since or 0)) / max(now - self._timed_from, 1e-9)
        self._timed_from, self._timed_step = now, step
        figures, policy = {"loss": loss, "mean_q": mean_q}, self.model.policy
        for long_name, value in zip(policy.metrics_names, policy.metrics, strict=True):
            name = long_name.removeprefix("mean_")
            figures[_NAMES.get(name, name)] = value
        figures["steps_per_second"] = speed
        self._scalars(step, {n: v for n, v in figures.items() if math.isfinite(v)})
        self._histogram(step, "actions", np.repeat(np.arange(len(self._counts)), self._counts))
        self._histogram(step, "scores", np.array(self._scores))
        self._counts, self._scores = [0] * len(self._counts), []
        for sink in self._sinks.values():
            sink.flush()

    def evaluated(self, step: int, result: Evaluation, is_best: bool) -> None:
        """Writes the result of an evaluation."""
        self._scalars(step, {"eval/mean": result.mean, "eval/variance": result.variance})
        self._histogram(step, "eval/scores", np.array(result.returns))
        for sink in self._sinks.values():
            sink.flush()

    def filmed(self, video: Video) -> None:
        """Passes a game's GIF, if there is one, to the sinks."""
        if video.gif is not None:
            for sink in self._sinks.values():
                sink.video(video.step, "video", video.gif)

    def _scalars(self, step: int, figures: Mapping[str, float]) -> None:
        for sink in self._sinks.values():
            sink.scalars(step, figures)

    def _histogram(self, step: int, name: str, values: Any) -> None:
        for sink in self._sinks.values() if len(values) else ():
            sink.histogram(step, name, values)

    def get_state(self) -> dict[str, Any]:
        """Returns the state of the callback and its sinks."""
        return {
            "counts": list(self._counts),
            "scores": list(self._scores),
            "sums": list(self._averages.sums),
            "sinks": {name: sink.get_state() for name, sink in self._sinks.items()},
        }

    def set_state(self, state: dict[str, Any]) -> None:
        """Restores the state returned by ``get_state``; the sinks' when training begins."""
        self._counts, self._scores = list(state["counts"]), list(state["scores"])
        self._averages.sums = list(state["sums"])
        self._kept = state["sinks"]
