"""``logger.verbose=2``: the line of keras-rl2's TrainEpisodeLogger, for many games at once.

keras-rl2's own keeps every observation of every running game: gigabytes with 32 games of the
screen. This one keeps sums, and goes on when a run is resumed. Where one game is played, as
keras-rl2 plays, the line is the same. Two figures are chosen for many games and clipped rewards:
the reward is the game's own points, and steps per second are those of all games together.
"""

from __future__ import annotations

import math
import sys
import time
from dataclasses import dataclass, field
from typing import Any, TextIO

import numpy as np

from runner.keras_rl2 import Callback


@dataclass
class Spread:
    """Mean, least and greatest of numbers that come one by one; NaN does not count."""

    count: int = 0
    total: float = 0.0
    least: float = math.inf
    greatest: float = -math.inf

    def add(self, value: float) -> None:
        """Takes one number in."""
        if value == value:
            self.count += 1
            self.total += value
            self.least = min(self.least, value)
            self.greatest = max(self.greatest, value)

    @property
    def mean(self) -> float:
        """NaN before the first number."""
        return self.total / self.count if self.count else math.nan


@dataclass
class _Episode:
    """One game under way."""

    began: float  # of time.perf_counter
    first_step: int  # steps of the run when it began
    steps: int = 0
    points: Spread = field(default_factory=Spread)
    actions: Spread = field(default_factory=Spread)
    metrics: list[Spread] = field(default_factory=list)


class EpisodeLines(Callback):  # type: ignore[misc]
    """Prints one line per finished game.

    Args:
        nb_steps: The step at which training ends.
        start_step: The step to count from.
        stream: Where to.
    """

    def __init__(self, nb_steps: int, start_step: int = 0, stream: TextIO | None = None) -> None:
        super().__init__()
        self._nb_steps, self._step = nb_steps, start_step
        self._stream = stream or sys.stdout
        # The progress line of a terminal stands where this line is to be.
        self._clear = "\r\x1b[2K" if self._stream.isatty() else ""
        self._episodes: dict[int, _Episode] = {}  # of each stream
        self._begun_unseen: set[int] = set()  # streams whose game this did not see begin

    def on_train_begin(self, logs: Any = None) -> None:
        """Starts the clock of the first games."""
        self._began, self._first_step = time.perf_counter(), self._step

    def on_step_end(self, step: int, logs: Any = None) -> None:
        """Takes one transition in; prints the line if the game is over."""
        info, stream = logs["info"], int(logs["info"]["stream"])
        self._step += 1
        episode = self._episodes.get(stream)
        if episode is None:
            episode = self._episodes[stream] = _Episode(self._began, self._first_step)
        episode.steps += 1
        episode.points.add(float(info["game_reward"]))
        episode.actions.add(float(logs["action"]))
        if not episode.metrics:
            episode.metrics = [Spread() for _ in logs["metrics"]]
        for spread, value in zip(episode.metrics, logs["metrics"], strict=True):
            spread.add(float(value))
        if not info["game_over"]:
            return
        now = time.perf_counter()
        if stream not in self._begun_unseen:
            self._stream.write(f"{self._clear}{self._line(int(logs['episode']), episode, now)}\n")
            self._stream.flush()
        self._begun_unseen.discard(stream)
        self._episodes[stream] = _Episode(now, self._step)

    def _line(self, number: int, episode: _Episode, now: float) -> str:
        duration = now - episode.began
        speed = (self._step - episode.first_step) / max(duration, 1e-9)
        points, actions = episode.points, episode.actions
        width = math.ceil(np.log10(self._nb_steps)) + 1
        metrics = ", ".join(
            f"{name}: {spread.mean:f}" if spread.count else f"{name}: --"
            for name, spread in zip(self.model.metrics_names, episode.metrics, strict=True)
        )
        return ", ".join([
            f"{self._step: {width}d}/{self._nb_steps}: episode: {number + 1}",
            f"duration: {duration:.3f}s",
            f"episode steps: {episode.steps:3}",
            f"steps per second: {speed:3.0f}",
            f"episode reward: {points.total:6.3f}",
            f"mean reward: {points.mean:6.3f} [{points.least:6.3f}, {points.greatest:6.3f}]",
            f"mean action: {actions.mean:.3f} [{actions.least:.3f}, {actions.greatest:.3f}]",
            f" {metrics}",
        ])  # fmt: skip

    def get_state(self) -> dict[str, Any]:
        """Returns where it stands, of plain types."""
        now = time.perf_counter()
        games = [
            [
                stream, now - e.began, e.first_step, e.steps,
                *([s.count, s.total, s.least, s.greatest] for s in (e.points, e.actions)),
                [[s.count, s.total, s.least, s.greatest] for s in e.metrics],
            ]
            for stream, e in self._episodes.items()
        ]  # fmt: skip
        return {"step": self._step, "games": games, "unseen": sorted(self._begun_unseen)}

    def set_state(self, state: dict[str, Any]) -> None:
        """Goes back to what ``get_state`` returned.

        Given what a GameFollower returned (the run had no such lines before), games under way get
        no line: their beginning is not known.
        """
        now = time.perf_counter()
        self._step = self._first_step = state["step"]
        running = [stream for stream, *_ in state.get("running", ())]
        self._begun_unseen = set(state.get("unseen", running))
        for stream, seconds, first, steps, points, actions, metrics in state.get("games", ()):
            self._episodes[stream] = _Episode(
                now - seconds, first, steps, Spread(*points), Spread(*actions),
                [Spread(*spread) for spread in metrics],
            )  # fmt: skip
