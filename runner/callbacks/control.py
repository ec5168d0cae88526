"""Callbacks that control the loop: first step, early stopping."""

from __future__ import annotations

import math
from typing import Any

from runner.callbacks.games import LOOK_AT_CLOCK_EVERY, Story
from runner.keras_rl2 import Callback


class StartAtStep(Callback):  # type: ignore[misc]
    """Lets ``fit``, which counts from 0, count from ``start_step``: all else goes by its count."""

    def __init__(self, start_step: int) -> None:
        super().__init__()
        self._start_step = start_step

    def on_episode_begin(self, episode: int, logs: Any = None) -> None:
        """Sets the agent's step before its first; a resumed run is past that."""
        self.model.step = max(self.model.step, self._start_step)


class StopEarly(Callback):  # type: ignore[misc]
    """Ends the training after so many games or minutes, those before a resume included.

    Args:
        story: Of the training; called before this.
        nb_games: Games; None: any.
        minutes: Of training; None: any.
    """

    def __init__(self, story: Story, nb_games: int | None, minutes: float | None) -> None:
        super().__init__()
        self._story = story
        self._nb_games = math.inf if nb_games is None else nb_games
        self._seconds = math.inf if minutes is None else 60 * minutes

    @property
    def seconds_left(self) -> float:
        """Until the end; inf if the time does not matter."""
        return self._seconds - self._story.seconds

    def on_train_begin(self, logs: Any = None) -> None:
        """Ends a resumed training at once if it was over."""
        self._stop_if(self._story.nb_games >= self._nb_games or self.seconds_left <= 0)

    def on_step_end(self, step: int, logs: Any = None) -> None:
        """Looks at the games, and at the clock now and then."""
        self._stop_if(
            self._story.nb_games >= self._nb_games
            or (self._story.step % LOOK_AT_CLOCK_EVERY == 0 and self.seconds_left <= 0)
        )

    def _stop_if(self, over: bool) -> None:
        if over:
            self.model.stop_training = True


class StopWhenAsked(Callback):  # type: ignore[misc]
    """Lets ``agent.stop_training = True`` end keras-rl2's own loop, which knows only Ctrl-C."""

    def on_train_begin(self, logs: Any = None) -> None:
        """Nothing is asked yet."""
        self.model.stop_training = False

    def on_step_end(self, step: int, logs: Any = None) -> None:
        """Ends the loop as Ctrl-C would."""
        if self.model.stop_training:
            raise KeyboardInterrupt
