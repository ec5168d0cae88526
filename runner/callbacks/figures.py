"""Gathers the figures of a training, and hands them to the sinks."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from runner.callbacks.games import Game, GameFollower
from runner.callbacks.sinks import Sink
from runner.video.studio import Video

_NAMES: Final = {"eps": "epsilon"}  # keras-rl2's attribute -> name of the curve


class Figures(GameFollower):
    """Scalars of every game and of every ``interval`` steps, histograms, evaluations, videos.

    Args:
        sinks: By name.
        interval: Steps between two points of the curves, and between two histograms.
        start_step: The step to count from.
    """

    def __init__(self, sinks: Mapping[str, Sink], interval: int, start_step: int = 0) -> None:
        super().__init__(start_step)
        self._sinks, self._interval = sinks, interval
        self._counts: list[int] = []  # of each action since the last interval
        self._scores: list[float] = []  # the same, of the games that ended

    def on_train_begin(self, logs: Any = None) -> None:
        """Starts the clock."""
        self._counts = self._counts or [0] * self.model.nb_actions
        self._mark()

    def _mark(self) -> None:
        self._timed_from, self._timed_step = time.perf_counter(), self.step

    def on_step_end(self, step: int, logs: Any = None) -> None:
        """Counts one transition; writes if an interval is full."""
        self._counts[logs["action"]] += 1
        super().on_step_end(step, logs)
        if self.step % self._interval == 0:
            self._write()

    def on_game_end(self, game: Game) -> None:
        """Writes the game's figures."""
        self._scores.append(game.points)
        self._scalars(game.step, {"score": game.points, "episode_steps": game.length})

    def on_train_end(self, logs: Any = None) -> None:
        """Writes what is left; the evaluation at the end may follow."""
        if self.step % self._interval:
            self._write()

    def _write(self) -> None:
        loss, mean_q = self.averages()
        seconds = time.perf_counter() - self._timed_from
        speed = (self.step - self._timed_step) / seconds if seconds else math.nan
        policy = self.model.policy
        annealed = {
            _NAMES.get(name, name): value
            for name, value in zip(
                (name.removeprefix("mean_") for name in policy.metrics_names),
                policy.metrics,
                strict=True,
            )
        }
        figures = {"loss": loss, "mean_q": mean_q, **annealed, "steps_per_second": speed}
        self._scalars(self.step, {n: v for n, v in figures.items() if math.isfinite(v)})
        self._histogram(self.step, "actions", np.repeat(np.arange(len(self._counts)), self._counts))
        self._histogram(self.step, "scores", np.array(self._scores))
        self._counts, self._scores = [0] * len(self._counts), []
        for sink in self._sinks.values():
            sink.flush()
        self._mark()

    def evaluated(self, result: Mapping[str, Any], is_best: bool) -> None:
        """Writes the result of an evaluation (see ``runner.evaluation``)."""
        step = result["step"]
        self._scalars(step, {"eval/mean": result["mean"], "eval/variance": result["variance"]})
        self._histogram(step, "eval/scores", np.array(result["returns"]))
        for sink in self._sinks.values():
            sink.flush()

    def filmed(self, video: Video) -> None:
        """Shows a game's video, if it is a GIF."""
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
        """Returns where it and its sinks stand."""
        sinks = {name: sink.get_state() for name, sink in self._sinks.items()}
        own = {"counts": list(self._counts), "scores": list(self._scores), "sinks": sinks}
        return {**super().get_state(), **own}

    def set_state(self, state: dict[str, Any]) -> None:
        """Goes back to what ``get_state`` returned; a sink that is new has nothing to go back to.

        What another GameFollower returned will do: the run had no figures before.
        """
        super().set_state(state)
        self._counts = list(state.get("counts", self._counts))
        self._scores = list(state.get("scores", ()))
        for name, kept in state.get("sinks", {}).items():
            if name in self._sinks:
                self._sinks[name].set_state(kept, self.step)
        self._mark()
