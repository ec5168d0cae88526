"""``logger.verbose=2``: keras-rl2's TrainEpisodeLogger line, for parallel environments.

keras-rl2's logger keeps every observation of every running game: gigabytes for 32 environments with
screens. This callback keeps sums, and resumes with its run. For a single environment, the line is
the same as keras-rl2's. Three values are adapted to parallel environments and clipped rewards: the
reward is the game's points; steps per second cover all environments; loss, mean_q and the policy's
metrics are means over all updates during the game.
"""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any, TextIO

from runner.callbacks.games import Story
from runner.keras_rl2 import Callback
from runner.live_line import CLEAR


@dataclass
class Spread:
    """Running mean, minimum and maximum."""

    count: int = 0
    total: float = 0.0
    least: float = math.inf
    greatest: float = -math.inf

    def add(self, value: float) -> None:
        """Adds one number."""
        self.count += 1
        self.total += value
        self.least = min(self.least, value)
        self.greatest = max(self.greatest, value)

    @property
    def mean(self) -> float:
        """Mean of at least one number."""
        return self.total / self.count


@dataclass
class _Episode:
    """One game in progress."""

    began: float  # time.perf_counter at its start
    first_step: int  # steps of the run at its start
    updates: int  # updates of the run at its start
    sums: list[float]  # sum of each metric over these updates
    points: Spread = field(default_factory=Spread)  # points per step
    actions: Spread = field(default_factory=Spread)


class EpisodeLines(Callback):  # type: ignore[misc]
    """Prints one line per finished game that was observed from its start.

    Args:
        nb_steps: The step at which training ends.
        story: Counters of the training; called before this callback.
        stream: Output stream.
    """

    def __init__(self, nb_steps: int, story: Story, stream: TextIO | None = None) -> None:
        super().__init__()
        self._nb_steps, self._story = nb_steps, story
        self._stream = stream or sys.stdout
        # On a terminal, this line replaces the progress line.
        self._clear = CLEAR if self._stream.isatty() else ""
        self._games: dict[int, _Episode | None] = {}  # by stream; None: its start was not observed
        self._updates, self._sums = 0, [0.0]  # sum of each metric

    def on_train_begin(self, logs: Any = None) -> None:
        """Initialises the sums of the metrics."""
        self._sums = self._sums if self._updates else [0.0] * len(self.model.metrics_names)
        self._began = time.perf_counter()

    def on_step_end(self, step: int, logs: Any = None) -> None:
        """Adds one transition; prints the line if the game is over."""
        info, stream, metrics = logs["info"], int(logs["info"]["stream"]), logs["metrics"]
        if metrics[0] == metrics[0]:  # not NaN: an update was made
            self._updates += 1
            self._sums = [total + value for total, value in zip(self._sums, metrics, strict=True)]
        if stream not in self._games:
            first = self._story.first_step or 0
            self._games[stream] = self._begin(self._began, first) if step == 0 else None
        game = self._games[stream]
        if game is not None:
            game.points.add(float(info["game_reward"]))
            game.actions.add(float(logs["action"]))
        if not info["game_over"]:
            return
        now = time.perf_counter()
        if game is not None:
            self._stream.write(f"{self._clear}{self._line(int(logs['episode']), game, now)}\n")
            self._stream.flush()
        self._games[stream] = self._begin(now, self._story.step)

    def _begin(self, now: float, step: int) -> _Episode:
        return _Episode(now, step, self._updates, self._sums)

    def _line(self, number: int, episode: _Episode, now: float) -> str:
        duration, step = now - episode.began, self._story.step
        speed = (step - episode.first_step) / max(duration, 1e-9)
        points, actions = episode.points, episode.actions
        width = math.ceil(math.log10(self._nb_steps)) + 1
        return ", ".join([
            f"{step: {width}d}/{self._nb_steps}: episode: {number + 1}",
            f"duration: {duration:.3f}s",
            f"episode steps: {points.count:3}",
            f"steps per second: {speed:3.0f}",
            f"episode reward: {points.total:6.3f}",
            f"mean reward: {points.mean:6.3f} [{points.least:6.3f}, {points.greatest:6.3f}]",
            f"mean action: {actions.mean:.3f} [{actions.least:.3f}, {actions.greatest:.3f}]",
            f" {', '.join(self._metrics(episode))}",
        ])  # fmt: skip

    def _metrics(self, episode: _Episode) -> Iterator[str]:
        updates = self._updates - episode.updates
        for i, name in enumerate(self.model.metrics_names):
            total = self._sums[i] - episode.sums[i]
            yield f"{name}: {total / updates:f}" if updates else f"{name}: --"

    def get_state(self) -> dict[str, Any]:
        """Returns the callback's state, as plain types."""
        now = time.perf_counter()
        games = [
            [stream, game and {**asdict(game), "began": now - game.began}]
            for stream, game in self._games.items()
        ]
        return {"games": games, "updates": self._updates, "sums": self._sums}

    def set_state(self, state: dict[str, Any]) -> None:
        """Restores the state returned by ``get_state``."""
        now = time.perf_counter()
        self._updates, self._sums = state["updates"], list(state["sums"])
        for stream, kept in state["games"]:
            if kept is not None:
                spreads = {name: Spread(**kept[name]) for name in ("points", "actions")}
                kept = _Episode(**{**kept, **spreads, "began": now - kept["began"]})
            self._games[stream] = kept
