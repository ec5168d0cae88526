"""Callbacks that control the loop: first step, early stopping."""

from __future__ import annotations

import math
from typing import Any

from runner.callbacks.games import LOOK_AT_CLOCK_EVERY, Story
from runner.keras_rl2 import Callback


class StartAtStep(Callback):  # type: ignore[misc]
    """Makes ``fit`` count from ``start_step`` instead of 0; all else follows its count."""

    def __init__(self, start_step: int) -> None:
        super().__init__()
        self._start_step = start_step

    def on_episode_begin(self, episode: int, logs: Any = None) -> None:
        """Sets the agent's step before the first one; a resumed run is past it."""
        self.model.step = max(self.model.step, self._start_step)


class StopEarly(Callback):  # type: ignore[misc]
    """Ends training after a number of games or minutes, including those before a resume.

    Args:
        story: Counters of the training; called before this callback.
        nb_games: Number of games; None: no limit.
        minutes: Minutes of training; None: no limit.
    """

    def __init__(self, story: Story, nb_games: int | None, minutes: float | None) -> None:
        super().__init__()
        self._story = story
        self._nb_games = math.inf if nb_games is None else nb_games
        self._seconds = math.inf if minutes is None else 60 * minutes

    @property
    def seconds_left(self) -> float:
        """Seconds until the end; inf if there is no time limit."""
        return self._seconds - self._story.seconds

    def on_train_begin(self, logs: Any = None) -> None:
        """Ends a resumed training immediately if it was complete."""
        self._stop_if(self.seconds_left <= 0)

    def on_step_end(self, step: int, logs: Any = None) -> None:
        """Checks the number of games, and periodically the time."""
        self._stop_if(self._story.step % LOOK_AT_CLOCK_EVERY == 0 and self.seconds_left <= 0)

    def _stop_if(self, time_is_over: bool) -> None:
        if time_is_over or self._story.nb_games >= self._nb_games:
            self.model.stop_training = True


class StopWhenAsked(Callback):  # type: ignore[misc]
    """Lets ``agent.stop_training = True`` end keras-rl2's loop, which only handles Ctrl-C."""

    def on_train_begin(self, logs: Any = None) -> None:
        """Resets the request."""
        self.model.stop_training = False

    def on_step_end(self, step: int, logs: Any = None) -> None:
        """Ends the loop as Ctrl-C would."""
        if self.model.stop_training:
            raise KeyboardInterrupt
