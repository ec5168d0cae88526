"""``logger.verbose=2``: the line of keras-rl2's TrainEpisodeLogger, for many games at once.

keras-rl2's own keeps every observation of every running game: gigabytes with 32 games of the
screen. This one keeps sums, and goes on when a run is resumed. Where one game is played, as
keras-rl2 plays, the line is the same. Three figures are chosen for many games and clipped rewards:
the reward is the game's own points; steps per second are those of all games together; loss, mean_q
and the policy's metrics are means over all updates made while the game was played.
"""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Iterator
from dataclasses import astuple, dataclass, field
from typing import Any, TextIO

from runner.keras_rl2 import Callback


@dataclass
class Spread:
    """Mean, least and greatest of numbers that come one by one."""

    count: int = 0
    total: float = 0.0
    least: float = math.inf
    greatest: float = -math.inf

    def add(self, value: float) -> None:
        """Takes one number in."""
        self.count += 1
        self.total += value
        self.least = min(self.least, value)
        self.greatest = max(self.greatest, value)

    @property
    def mean(self) -> float:
        """Of at least one number."""
        return self.total / self.count


@dataclass
class _Episode:
    """One game under way."""

    began: float  # of time.perf_counter
    first_step: int  # steps of the run when it began
    updates: tuple[int, ...]  # of the run when it began, by metric
    sums: tuple[float, ...]  # of each metric, over them
    points: Spread = field(default_factory=Spread)  # of each step
    actions: Spread = field(default_factory=Spread)


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
        metrics = len(self.model.metrics_names)
        self._updates, self._sums = [0] * metrics, [0.0] * metrics
        self._first = self._begin(time.perf_counter())

    def _begin(self, now: float) -> _Episode:
        return _Episode(now, self._step, tuple(self._updates), tuple(self._sums))

    def on_step_end(self, step: int, logs: Any = None) -> None:
        """Takes one transition in; prints the line if the game is over."""
        info, stream = logs["info"], int(logs["info"]["stream"])
        self._step += 1
        for i, value in enumerate(logs["metrics"]):
            if value == value:  # not NaN: an update was made
                self._updates[i] += 1
                self._sums[i] += value
        episode = self._episodes.get(stream)
        if episode is None:
            first = self._first
            episode = _Episode(first.began, first.first_step, first.updates, first.sums)
            self._episodes[stream] = episode
        episode.points.add(float(info["game_reward"]))
        episode.actions.add(float(logs["action"]))
        if not info["game_over"]:
            return
        now = time.perf_counter()
        if stream not in self._begun_unseen:
            self._stream.write(f"{self._clear}{self._line(int(logs['episode']), episode, now)}\n")
            self._stream.flush()
        self._begun_unseen.discard(stream)
        self._episodes[stream] = self._begin(now)

    def _line(self, number: int, episode: _Episode, now: float) -> str:
        duration = now - episode.began
        speed = (self._step - episode.first_step) / max(duration, 1e-9)
        points, actions = episode.points, episode.actions
        width = math.ceil(math.log10(self._nb_steps)) + 1
        return ", ".join([
            f"{self._step: {width}d}/{self._nb_steps}: episode: {number + 1}",
            f"duration: {duration:.3f}s",
            f"episode steps: {points.count:3}",
            f"steps per second: {speed:3.0f}",
            f"episode reward: {points.total:6.3f}",
            f"mean reward: {points.mean:6.3f} [{points.least:6.3f}, {points.greatest:6.3f}]",
            f"mean action: {actions.mean:.3f} [{actions.least:.3f}, {actions.greatest:.3f}]",
            f" {', '.join(self._metrics(episode))}",
        ])  # fmt: skip

    def _metrics(self, episode: _Episode) -> Iterator[str]:
        for i, name in enumerate(self.model.metrics_names):
            updates = self._updates[i] - episode.updates[i]
            total = self._sums[i] - episode.sums[i]
            yield f"{name}: {total / updates:f}" if updates else f"{name}: --"

    def get_state(self) -> dict[str, Any]:
        """Returns where it stands, of plain types."""
        now = time.perf_counter()
        games = [
            [
                stream, now - e.began, e.first_step, list(e.updates), list(e.sums),
                list(astuple(e.points)), list(astuple(e.actions)),
            ]
            for stream, e in self._episodes.items()
        ]  # fmt: skip
        return {
            "step": self._step,
            "games": games,
            "unseen": sorted(self._begun_unseen),
            "updates": list(self._updates),
            "metric_sums": list(self._sums),
        }

    def join(self, state: dict[str, Any]) -> None:
        """Joins a resumed run that had no such lines, from what a GameFollower returned.

        Games under way get no line: their beginning is not known.
        """
        self._step = state["step"]
        self._begun_unseen = {stream for stream, *_ in state["running"]}
        self._first = self._begin(time.perf_counter())

    def set_state(self, state: dict[str, Any]) -> None:
        """Goes back to what ``get_state`` returned."""
        now = time.perf_counter()
        self._step = state["step"]
        self._updates, self._sums = list(state["updates"]), list(state["metric_sums"])
        self._begun_unseen = set(state["unseen"])
        self._first = self._begin(now)
        for stream, seconds, first, updates, sums, points, actions in state["games"]:
            self._episodes[stream] = _Episode(
                now - seconds, first, tuple(updates), tuple(sums), Spread(*points), Spread(*actions)
            )
