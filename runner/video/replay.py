"""Recordings of games as action sequences, and their replay.

The same start and the same actions produce the same game. A recording therefore takes a few bytes
per step, and only selected games are rendered.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from ale_py import Action
from numpy.typing import NDArray

from runner.environments.atari import AtariGame
from runner.settings.env import EnvConfig
from runner.settings.obs import RamObservation
from runner.video.overlay import Overlay

FRAMES_PER_SECOND = 60  # of the emulator: NTSC's 59.92, rounded as ALE does

# The observation does not affect the game; RAM is the cheapest.
OBSERVED: Final = RamObservation(window=1)


@dataclass(frozen=True)
class Recording:
    """One full game of one emulator."""

    env: EnvConfig
    start: int | dict[str, Any]  # seed of the emulator, or its state after a reset
    before: NDArray[np.int32]  # actions of full games between ``start`` and this one
    actions: NDArray[np.int32]
    score: float  # points
    step: int = 0  # of the run
    label: str = ""  # drawn beside the score; empty: the step
    weights: list[NDArray[Any]] | None = None  # of the network that played; for an overlay
    overlay: Overlay | None = None  # drawn beside the screen

    @property
    def frames(self) -> int:
        """Upper bound of the number of emulator frames."""
        skip = self.env.frame_skip
        return len(self.actions) * int(max(skip) if isinstance(skip, list) else skip)


class Replay:
    """Replays a recording.

    At each frame: ``score`` and completed ``steps`` so far, and ``palette`` of the colours seen.
    After the last frame: ``next_start``, the emulator's state after the next reset.
    """

    def __init__(self, recording: Recording) -> None:
        self.recording = recording
        self.palette = np.zeros((256, 3), np.uint8)  # RGB by colour number
        self.score, self.steps = 0.0, 0
        self.next_start: dict[str, Any] | None = None

    def __iter__(self) -> Iterator[NDArray[np.uint8]]:
        """Yields the screen of every frame after the no-ops at the start.

        (210, 160) colour numbers; some games have 250 lines.
        """
        recording = self.recording
        game = _FilmedGame(recording.env, self.palette)
        at_start(game, recording)
        game.films = True
        self.score, self.steps = 0.0, 0
        for action in recording.actions:
            game.frames.clear()
            game.step(int(action))
            for screen, points in game.frames:
                self.score += points
                yield screen
            self.steps += 1
        game.reset()
        self.next_start = game.get_state()


def at_start(game: AtariGame, recording: Recording) -> AtariGame:
    """Returns ``game`` at the start of the recorded game."""
    if isinstance(recording.start, int):
        game.reset(seed=recording.start)
    else:
        game.set_state(recording.start)
    for action in recording.before:
        _, _, terminated, truncated, _ = game.step(int(action))
        if terminated or truncated:
            game.reset()
    return game


class _FilmedGame(AtariGame):
    """A game that keeps the screens of its frames while ``films`` is true.

    Its observations are not used.
    """

    def __init__(self, env: EnvConfig, palette: NDArray[np.uint8]) -> None:
        super().__init__(env, OBSERVED)
        self._palette = palette
        self._known = np.zeros(256, np.bool_)
        self.films = False  # earlier games are not kept
        self.frames: list[tuple[NDArray[np.uint8], float]] = []

    def _act(self, chosen: Action) -> float:
        points = super()._act(chosen)
        if not self.films:
            return points
        screen = self.ale.getScreen()
        seen = np.bincount(screen.ravel(), minlength=256) > 0
        if (seen & ~self._known).any():  # a new colour: read its RGB from the RGB screen
            self._palette[screen] = self.ale.getScreenRGB()
            self._known |= seen
        self.frames.append((screen, points))
        return points


def survey(recording: Recording) -> Replay:
    """Replays a recording to its end, without rendering."""
    played = Replay(recording)
    for _ in played:
        pass
    return played
