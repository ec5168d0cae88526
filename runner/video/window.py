"""Shows a recording in a window in real time, with ALE's display."""

from __future__ import annotations

import os
import sys
import time

from ale_py import SDL_SUPPORT, Action

from runner.environments.atari import AtariGame
from runner.settings.schema import EnvConfig
from runner.video.replay import FRAMES_PER_SECOND, OBSERVED, Recording, at_start


def why_no_window() -> str:
    """Returns why no window can be opened; empty: a window can be opened."""
    if not SDL_SUPPORT:
        return "this ale-py was built without SDL"
    if sys.platform == "linux" and not {"DISPLAY", "WAYLAND_DISPLAY"} & os.environ.keys():
        return "there is no display (DISPLAY is not set)"
    return ""


def show(recording: Recording) -> None:
    """Plays ``recording`` in a window at 60 frames per second."""
    began = at_start(AtariGame(recording.env, OBSERVED), recording).get_state()
    game = _ShownGame(recording.env)
    game.set_state(began)
    for action in recording.actions:
        game.step(int(action))


class _ShownGame(AtariGame):
    """A game with a window."""

    def __init__(self, env: EnvConfig) -> None:
        super().__init__(env, OBSERVED)
        self.ale.setBool("display_screen", True)  # loading the game opens the window
        self._next_frame = 0.0  # time.perf_counter

    def _act(self, chosen: Action) -> float:
        now = time.perf_counter()
        self._next_frame = max(self._next_frame + 1 / FRAMES_PER_SECOND, now)
        time.sleep(self._next_frame - now)
        return super()._act(chosen)
