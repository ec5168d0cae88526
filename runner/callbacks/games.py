"""Step, frame and game counters of a training, shared by all callbacks."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from runner.keras_rl2 import Callback

LOOK_AT_CLOCK_EVERY: Final = 16  # steps between time checks of callbacks


@dataclass(frozen=True)
class Game:
    """One finished game."""

    step: int  # steps of the run at its end
    frames: int  # emulator frames of the run at its end
    points: float  # return, unclipped
    length: int  # steps of the game


class Averages:
    """Mean loss and mean_q of the updates since the last ``take``."""

    def __init__(self) -> None:
        self.sums: list[float] = [0.0, 0.0, 0]  # loss, mean_q, updates

    def add(self, loss: float, mean_q: float) -> None:
        """Adds one update."""
        sums = self.sums
        sums[0] += loss
        sums[1] += mean_q
        sums[2] += 1

    def take(self) -> tuple[float, float]:
        """Returns the means and resets them; NaN if there was no update."""
        loss, mean_q, updates = self.sums
        self.sums = [0.0, 0.0, 0]
        return (loss / updates, mean_q / updates) if updates else (math.nan, math.nan)


class Story(Callback):  # type: ignore[misc]
    """Counts transitions and finished games, for the callbacks that follow.

    A game ends with the game itself, not with a lost life.

    ``listeners`` are called with each ``Game``. ``step`` counts the steps of the run,
    ``first_step`` those before this process, ``frames`` emulator frames, ``nb_games`` finished
    games.
    """

    def __init__(self) -> None:
        super().__init__()
        self.listeners: list[Callable[[Game], None]] = []
        self.step = self.frames = self.nb_games = 0
        self.first_step: int | None = None  # None: no step yet
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
        """Seconds of training so far, including those before a resume."""
        return self._seconds_before + (self._ended or time.perf_counter()) - self._began

    def on_train_end(self, logs: Any = None) -> None:
        """Stops the clock."""
        self._ended = time.perf_counter()

    def on_step_end(self, step: int, logs: Any = None) -> None:
        """Counts one transition."""
        info, metrics = logs["info"], logs["metrics"]
        if self.first_step is None:
            self.first_step = self.model.step
        self.step = self.model.step + 1
        self.frames += int(info["frames"])
        if metrics[0] == metrics[0]:  # not NaN: an update was made
            for averages in self._averages:
                averages.add(metrics[0], metrics[1])
        if info["game_over"]:  # keras-rl2's loop converts numbers to 0-d arrays
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
        """``epsilon`` or ``tau``, and its value at the last action; NaN if the policy has none."""
        policy = self.model.policy
        named = dict(zip(policy.metrics_names, policy.metrics, strict=True))
        if "mean_tau" in named:
            return "tau", float(named["mean_tau"])
        return "epsilon", float(named.get("mean_eps", math.nan))

    def get_state(self) -> dict[str, Any]:
        """Returns the counters; the step is part of the agent's state."""
        return {
            "seconds": self.seconds,
            "frames": self.frames,
            "nb_games": self.nb_games,
            "recent_returns": list(self.recent_returns),
        }

    def set_state(self, state: dict[str, Any]) -> None:
        """Restores the counters returned by ``get_state``, at the agent's step."""
        self.step = self.first_step = self.model.step
        self._seconds_before = state["seconds"]
        self.frames, self.nb_games = state["frames"], state["nb_games"]
        self.recent_returns.clear()
        self.recent_returns.extend(state["recent_returns"])
