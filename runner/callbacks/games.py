"""Step, frame and game counters of a training, shared by all callbacks."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from runner.keras_rl2 import Callback

LOOK_AT_CLOCK_EVERY: Final = 16  # steps, of callbacks that go by the time


@dataclass(frozen=True)
class Game:
    """One finished game."""

    step: int  # steps of the run when it ended
    frames: int  # emulator frames of the run by then
    points: float  # its return, unclipped
    length: int  # its steps


class Averages:
    """Mean loss and mean_q of the updates since they were last taken."""

    def __init__(self) -> None:
        self.sums: list[float] = [0.0, 0.0, 0]  # loss, mean_q, updates

    def add(self, loss: float, mean_q: float) -> None:
        """Takes one update in."""
        sums = self.sums
        sums[0] += loss
        sums[1] += mean_q
        sums[2] += 1

    def take(self) -> tuple[float, float]:
        """The means; NaN if there was no update."""
        loss, mean_q, updates = self.sums
        self.sums = [0.0, 0.0, 0]
        return (loss / updates, mean_q / updates) if updates else (math.nan, math.nan)


class Story(Callback):  # type: ignore[misc]
    """Follows the transitions; the callbacks after it read it, and hear of every finished game.

    A game ends where the game says so, not where a life is lost.

    ``listeners`` hear each ``Game``. ``step`` is the steps of the run, ``first_step`` those before
    this process; ``frames`` the emulator's, ``nb_games`` the games that ended.
    """

    def __init__(self) -> None:
        super().__init__()
        self.listeners: list[Callable[[Game], None]] = []
        self.step = self.frames = self.nb_games = 0
        self.first_step: int | None = None  # None: no step was made yet
        self.recent_returns: deque[float] = deque(maxlen=100)
        self._averages: list[Averages] = []
        self._seconds_before = 0.0
        self._ended: float | None = None

    def averages(self) -> Averages:
        """Returns averages that follow the updates from now on."""
        self._averages.append(Averages())
        return self._averages[-1]

    def on_train_begin(self, logs: Any = None) -> None:
        """Starts the clock."""
        self._began, self._ended = time.perf_counter(), None

    @property
    def seconds(self) -> float:
        """Training so far, that before a resume included."""
        return self._seconds_before + (self._ended or time.perf_counter()) - self._began

    @property
    def train_seconds(self) -> float:
        """Training so far, that before a resume left out."""
        return self.seconds - self._seconds_before

    def on_train_end(self, logs: Any = None) -> None:
        """Stops the clock."""
        self._ended = time.perf_counter()

    def on_step_end(self, step: int, logs: Any = None) -> None:
        """Follows one transition."""
        info, metrics = logs["info"], logs["metrics"]
        if self.first_step is None:
            self.first_step = self.model.step
        self.step = self.model.step + 1
        self.frames += int(info["frames"])
        if metrics[0] == metrics[0]:  # not NaN: an update was made
            for averages in self._averages:
                averages.add(metrics[0], metrics[1])
        if info["game_over"]:  # keras-rl2's loop makes arrays without axes of all numbers
            self.nb_games += 1
            points, length = float(info["episode_return"]), int(info["episode_length"])
            self.recent_returns.append(points)
            game = Game(self.step, self.frames, points, length)
            for listener in self.listeners:
                listener(game)

    @property
    def mean_return(self) -> float:
        """Mean points of the last 100 games; NaN before the first."""
        returns = self.recent_returns
        return sum(returns) / len(returns) if returns else math.nan

    @property
    def exploration(self) -> tuple[str, float]:
        """``epsilon`` or ``tau``, and its value at the last action; NaN for a policy without."""
        policy = self.model.policy
        named = dict(zip(policy.metrics_names, policy.metrics, strict=True))
        if "mean_tau" in named:
            return "tau", float(named["mean_tau"])
        return "epsilon", float(named.get("mean_eps", math.nan))

    def get_state(self) -> dict[str, Any]:
        """Returns what the rest of the story depends on; the step is the agent's."""
        return {
            "seconds": self.seconds,
            "frames": self.frames,
            "nb_games": self.nb_games,
            "recent_returns": list(self.recent_returns),
        }

    def set_state(self, state: dict[str, Any]) -> None:
        """Goes on from ``get_state``, at the agent's step."""
        self.step = self.first_step = self.model.step
        self._seconds_before = state["seconds"]
        self.frames, self.nb_games = state["frames"], state["nb_games"]
        self.recent_returns.clear()
        self.recent_returns.extend(state["recent_returns"])
