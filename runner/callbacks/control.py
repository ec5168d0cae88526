"""Callbacks that steer keras-rl2's own loop: where it starts, when it stops."""

from __future__ import annotations

from typing import Any

from runner.keras_rl2 import Callback


class StartAtStep(Callback):  # type: ignore[misc]
    """Lets ``fit``, which counts from 0, count from ``start_step``: epsilon and warm-up with it."""

    def __init__(self, start_step: int) -> None:
        super().__init__()
        self._start_step = start_step

    def on_episode_begin(self, episode: int, logs: Any = None) -> None:
        """Sets the agent's step before its first; a resumed run is past that."""
        self.model.step = max(self.model.step, self._start_step)


class StopWhenAsked(Callback):  # type: ignore[misc]
    """Lets ``agent.stop_training = True`` end keras-rl2's own loop, which knows only Ctrl-C."""

    def on_train_begin(self, logs: Any = None) -> None:
        """Nothing is asked yet."""
        self.model.stop_training = False

    def on_step_end(self, step: int, logs: Any = None) -> None:
        """Ends the loop as Ctrl-C would."""
        if self.model.stop_training:
            raise KeyboardInterrupt
