"""Callbacks that steer the loops: where they start, when they stop."""

from __future__ import annotations

import math
import time
from typing import Any, Final

from runner.keras_rl2 import Callback

LOOK_AT_CLOCK_EVERY: Final = 16  # steps


class StartAtStep(Callback):  # type: ignore[misc]
    """Lets ``fit``, which counts from 0, count from ``start_step``: epsilon and warm-up with it."""

    def __init__(self, start_step: int) -> None:
        super().__init__()
        self._start_step = start_step

    def on_episode_begin(self, episode: int, logs: Any = None) -> None:
        """Sets the agent's step before its first; a resumed run is past that."""
        self.model.step = max(self.model.step, self._start_step)


class StopAfterGames(Callback):  # type: ignore[misc]
    """Ends the training when ``nb_games`` games are over, those before a resume included.

    Args:
        nb_games: Games; None: the training ends otherwise.
    """

    def __init__(self, nb_games: int | None) -> None:
        super().__init__()
        self._nb_games, self._played = nb_games, 0

    def on_step_end(self, step: int, logs: Any = None) -> None:
        """Counts the games, and ends the training after the last."""
        if logs["info"]["game_over"]:
            self._played += 1
            self._stop_if_done()

    def _stop_if_done(self) -> None:
        if self._nb_games is not None and self._played >= self._nb_games:
            self.model.stop_training = True

    def get_state(self) -> dict[str, Any]:
        """Returns the games so far."""
        return {"played": self._played}

    def set_state(self, state: dict[str, Any]) -> None:
        """Goes back to what ``get_state`` returned; it may be the end."""
        self._played = state["played"]
        self._stop_if_done()


class StopAfterMinutes(Callback):  # type: ignore[misc]
    """Ends the training when it has taken ``minutes``, those before a resume included.

    Args:
        minutes: Of training; None: it ends otherwise.
    """

    def __init__(self, minutes: float | None) -> None:
        super().__init__()
        self._seconds = math.inf if minutes is None else 60 * minutes
        self._steps = 0

    def on_train_begin(self, logs: Any = None) -> None:
        """Starts the clock."""
        self._began = time.perf_counter()

    @property
    def seconds_left(self) -> float:
        """Until the end; inf if the time does not matter."""
        return self._seconds - (time.perf_counter() - self._began)

    def on_step_end(self, step: int, logs: Any = None) -> None:
        """Looks at the clock now and then."""
        self._steps += 1
        if self._steps % LOOK_AT_CLOCK_EVERY == 0 and self.seconds_left <= 0:
            self.model.stop_training = True

    def get_state(self) -> dict[str, Any]:
        """Returns the time so far."""
        return {"seconds": time.perf_counter() - self._began}

    def set_state(self, state: dict[str, Any]) -> None:
        """Goes back to what ``get_state`` returned; the time may be up."""
        self._began = time.perf_counter() - state["seconds"]
        if self.seconds_left <= 0:
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
