"""Videos of games, recorded without affecting training.

A game is stored as its actions and encoded in another process. A failure there causes one warning,
and training continues.
"""

from __future__ import annotations

import math
import sys
import time
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np

from runner.environments.pool import game_seeds
from runner.evaluation import Evaluation
from runner.keras_rl2 import Callback
from runner.live_line import LiveLine
from runner.settings.schema import Config, EnvConfig
from runner.video.replay import Recording
from runner.video.studio import Prepared, Studio, Video

LOOK_EVERY: Final = 64  # steps
_PLAIN: Final = ("start", "before", "actions", "score", "step", "weights")  # of a Recording


class Videos(Callback):  # type: ignore[misc]
    """Base class: encodes queued recordings one after another.

    ``listeners`` are called with each ``Video`` once its files are written, between two steps or at
    the end.

    Args:
        studio: Writes the files.
        env: The game's settings.
    """

    def __init__(self, studio: Studio, env: EnvConfig) -> None:
        super().__init__()
        self.listeners: list[Callable[[Video], None]] = []
        self._studio, self._env = studio, env
        self._waiting: deque[Recording] = deque()  # the first is being encoded
        self._warned = ""

    def film(self, recording: Recording) -> None:
        """Appends a game to the queue."""
        self._waiting.append(recording)
        self._look()

    def hold(self, recording: Recording) -> None:
        """Called with the best game of an evaluation."""

    def evaluated(self, step: int, result: Evaluation, is_best: bool) -> None:
        """Called with the result of the evaluation, after ``hold``."""

    def on_step_end(self, step: int, logs: Any = None) -> None:
        """Periodically checks whether a video is done."""
        if self._waiting and self.model.step % LOOK_EVERY == 0:
            self._look()

    def finish(self) -> None:
        """Waits until all videos are written, and shows the progress."""
        total, line = len(self._waiting), LiveLine(sys.stdout, interval=10.0)
        line.shown = -math.inf  # shows the first line immediately
        try:
            while self._waiting:
                now = time.perf_counter()
                if line.is_due(now):
                    number = total - len(self._waiting) + 1
                    share = f"{number} of {total}, {self._studio.share:.0%}"
                    line.show(f"video {share}; Ctrl-C skips the remaining videos", now)
                self._look(timeout=0.2)
        finally:  # a notebook lives on after an interrupt
            self._studio.close()
        if total:
            line.show(f"videos: {self._studio.folder}", time.perf_counter())
            line.end()

    def on_train_end(self, logs: Any = None) -> None:
        """Stops if training was interrupted; a resumed run encodes the queue."""
        if logs and logs.get("did_abort"):
            self._studio.close()

    def _look(self, timeout: float = 0.0) -> None:
        if self._studio.busy:
            filmed = self._studio.done(timeout)
            if filmed is None:
                return
            self._waiting.popleft()
            if filmed.problem:
                self._warn(filmed.problem)
            self._goes_on_from(filmed.next_start)
            if filmed.video is not None:
                for listener in self.listeners:
                    listener(filmed.video)
        if self._waiting:
            self._studio.submit(self._waiting[0])

    def _goes_on_from(self, start: dict[str, Any] | None) -> None:
        """Called with the emulator's state after the encoded game."""

    def _warn(self, problem: str) -> None:
        reason = problem.partition(": ")[2] or problem
        if reason != self._warned:  # a full disk is reported once
            print(f"warning: video: {problem}", file=sys.stderr, flush=True)
        self._warned = reason

    def get_state(self) -> dict[str, Any]:
        """Returns the queue, as plain types and arrays."""
        return {"waiting": [{n: getattr(r, n) for n in _PLAIN} for r in self._waiting]}

    def set_state(self, state: dict[str, Any]) -> None:
        """Restores the state returned by ``get_state``."""
        self._waiting = deque(Recording(self._env, **plain) for plain in state["waiting"])


class EvaluationVideos(Videos):
    """Records the best game of evaluations.

    Args:
        studio: Writes the files.
        env: The game's settings.
        every: Record every evaluation; otherwise only those with the best mean so far.
    """

    def __init__(self, studio: Studio, env: EnvConfig, *, every: bool = False) -> None:
        super().__init__(studio, env)
        self._every = every
        self._held: Recording | None = None

    def hold(self, recording: Recording) -> None:
        """Keeps the best game of an evaluation until its result is known."""
        self._held = recording

    def evaluated(self, step: int, result: Evaluation, is_best: bool) -> None:
        """Queues the held game if it is to be recorded."""
        if self._held is not None and (self._every or is_best):
            self.film(replace(self._held, step=step))
        self._held = None


class FinalVideo(EvaluationVideos):
    """Records one game after training: the best game of the evaluation with the best mean."""

    def film(self, recording: Recording) -> None:
        """Replaces the queued game; ``finish`` encodes it."""
        self._waiting = deque([recording])

    def on_step_end(self, step: int, logs: Any = None) -> None:
        """Encodes nothing during training."""


class TrainingVideos(Videos):
    """Records every complete training game of the first stream.

    Each game starts from the emulator's state after the previous game, which is known once that
    game is encoded: the games form a chain that starts with the seed.

    Args:
        studio: Writes the files.
        env: The game's settings.
        seed: Seed of the first stream's emulator.
    """

    def __init__(self, studio: Studio, env: EnvConfig, seed: int) -> None:
        super().__init__(studio, env)
        self._start: int | dict[str, Any] | None = seed  # None: the chain is broken
        self._actions: list[int] = []
        self._score = 0.0
        self._is_restored = False

    def on_train_begin(self, logs: Any = None) -> None:
        """Breaks the chain if the run was resumed from a checkpoint of another ``video`` option."""
        if self.model.step > 0 and not self._is_restored:
            self._break_chain()

    def on_step_end(self, step: int, logs: Any = None) -> None:
        """Stores the action if it belongs to the first stream."""
        super().on_step_end(step, logs)
        info = logs["info"]
        if int(info["stream"]) != 0 or self._start is None:
            return
        self._actions.append(int(logs["action"]))
        self._score += float(info["game_reward"])
        if info["game_over"]:
            actions, score = np.array(self._actions, np.int32), self._score
            start = self._start  # of the first queued game; the others follow from it
            nothing = np.empty(0, np.int32)
            self._actions, self._score = [], 0.0
            self.film(Recording(self._env, start, nothing, actions, score, self.model.step + 1))

    def _goes_on_from(self, start: dict[str, Any] | None) -> None:
        if self._start is None:  # the queue has games of evaluations, each with its own start
            return
        if start is None:
            self._break_chain()
            self._waiting.clear()
            return
        self._start = start
        if self._waiting:
            self._waiting[0] = replace(self._waiting[0], start=start)

    def _break_chain(self) -> None:
        self._start = None
        self._warn("no further games of this training are recorded")

    def get_state(self) -> dict[str, Any]:
        """Returns the callback's state, as plain types and arrays."""
        return {
            **super().get_state(),
            "start": self._start,
            "actions": np.array(self._actions, np.int32),
            "score": self._score,
        }

    def set_state(self, state: dict[str, Any]) -> None:
        """Restores the state returned by ``get_state``; another ``video`` option's has no chain."""
        super().set_state(state)
        self._is_restored = "start" in state
        if self._is_restored:
            self._start, self._score = state["start"], state["score"]
            self._actions = state["actions"].tolist()


def make_videos(config: Config, folder: Path, prepared: Prepared) -> Videos | None:
    """Builds the callback selected by ``config.video``; None: no videos.

    Args:
        config: The run's settings.
        folder: Output folder.
        prepared: Adds the overlay to a recording, in the encoder process; picklable.
    """
    name, env = config.video.name, config.env
    if name == "off":
        return None
    studio = Studio(config.video, folder, prepared)
    if name == "every_episode":
        return TrainingVideos(studio, env, game_seeds(config.seed, 1)[0])
    if name == "final":
        return FinalVideo(studio, env)
    return EvaluationVideos(studio, env, every=name == "every_eval")
