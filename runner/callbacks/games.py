"""Follows whole games from single transitions, the same way for every agent."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from typing import Any

from runner.keras_rl2 import Callback


@dataclass(frozen=True)
class Game:
    """One finished game."""

    step: int  # steps of the run when it ended
    frames: int  # emulator frames of the run by then
    points: float  # its return, unclipped
    length: int  # its steps


class GameFollower(Callback):  # type: ignore[misc]
    """Base of callbacks that want games: counts steps, frames and points, averages the metrics.

    A game ends where the game says so, not where a life is lost.

    Args:
        start_step: The step to count from.
    """

    def __init__(self, start_step: int = 0) -> None:
        super().__init__()
        self.step = start_step
        self.frames = 0
        self.recent_returns: deque[float] = deque(maxlen=100)
        self._running: dict[int, tuple[float, int]] = {}  # stream -> points, steps so far
        self._sums = [0.0, 0.0, 0]  # loss, mean_q, updates since the last averages()

    def on_step_end(self, step: int, logs: Any = None) -> None:
        """Counts one transition."""
        info, metrics = logs["info"], logs["metrics"]
        self.step += 1
        self.frames += int(info["frames"])
        if metrics[0] == metrics[0]:  # not NaN: an update was made
            sums = self._sums
            sums[0] += metrics[0]
            sums[1] += metrics[1]
            sums[2] += 1
        stream = int(info["stream"])  # keras-rl2's loop makes arrays without axes of all numbers
        points, length = self._running.get(stream, (0.0, 0))
        points, length = points + float(info["game_reward"]), length + 1
        if not info["game_over"]:
            self._running[stream] = points, length
            return
        self._running.pop(stream, None)
        self.recent_returns.append(points)
        self.on_game_end(Game(self.step, self.frames, points, length))

    def on_game_end(self, game: Game) -> None:
        """Called when a game is over."""

    def get_state(self) -> dict[str, Any]:
        """Returns where it stands, of plain types."""
        return {
            "step": self.step,
            "frames": self.frames,
            "recent_returns": list(self.recent_returns),
            "running": [[stream, *game] for stream, game in self._running.items()],
            "sums": list(self._sums),
        }

    def set_state(self, state: dict[str, Any]) -> None:
        """Goes back to what ``get_state`` returned."""
        self.step, self.frames = state["step"], state["frames"]
        self.recent_returns.extend(state["recent_returns"])
        self._running = {stream: (points, length) for stream, points, length in state["running"]}
        self._sums = list(state["sums"])

    def join(self, state: dict[str, Any]) -> None:
        """Joins a resumed run that had another GameFollower only, from what that one returned."""
        self.set_state(state)

    def averages(self) -> tuple[float, float]:
        """Mean loss and mean_q of the updates since the last call; NaN if there was none."""
        loss, mean_q, updates = self._sums
        self._sums = [0.0, 0.0, 0]
        return (loss / updates, mean_q / updates) if updates else (math.nan, math.nan)

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
