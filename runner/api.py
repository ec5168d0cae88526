"""Training from Python and notebooks: ``run = train("env=pong", "obs=ram")``."""

from __future__ import annotations

import contextlib
import csv
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from runner.environments.build import make_games
from runner.errors import UserError
from runner.run_directory import RunDirectory
from runner.settings import checks, command_line, compose, saved
from runner.settings.resume import changed, run_to_resume
from runner.trained import Play, Trained, is_pretrained, load_trained

if TYPE_CHECKING:
    from runner.settings.compose import Run


@dataclass(frozen=True)
class TrainedRun:
    """Result of a training run.

    Args:
        folder: The run directory.
        exit_code: 0: finished; 129, 130 or 143: interrupted, can be resumed.
        builder: The ``model.builder`` that was typed, with which its network is loaded again.
    """

    folder: Path
    exit_code: int
    builder: str | None = None

    @property
    def score(self) -> float | None:
        """Mean points of the evaluation's games; None: training was interrupted."""
        return RunDirectory(self.folder).score

    @property
    def result(self) -> dict[str, Any] | None:
        """Content of ``result.json``; None: training was interrupted."""
        path = RunDirectory(self.folder).result
        return json.loads(path.read_text()) if path.is_file() else None

    def curve(self) -> dict[str, NDArray[np.float64]]:
        """The columns of ``metrics.csv``, (games,) each: ``step``, ``episode_return``, ..."""
        with (self.folder / "metrics.csv").open(newline="") as file:
            header, *rows = csv.reader(file)
        columns = np.array(rows, np.float64).reshape(len(rows), len(header)).T
        return dict(zip(header, columns, strict=True))

    def agent(self) -> Trained:
        """The network, ready to play: ``agent().q_values(states)``, ``agent().model``."""
        return load_trained(self.folder, Play(builder=self.builder))

    def video(self, episodes: int = 1) -> Path:
        """Plays ``episodes`` games and returns the video (MP4) of the best one.

        In a notebook: ``IPython.display.Video(run.video(), embed=True)``.
        """
        from runner.watch import watch

        out = RunDirectory(self.folder).videos / "from_python.mp4"
        play = Play(episodes=episodes, out=out, builder=self.builder)
        watch(self.folder, play, window=False)
        return out

    @property
    def page(self) -> Path:
        """The page of the run."""
        return self.folder / "report.html"

    def resume(self, *settings: str) -> TrainedRun:
        """Resumes the run, for example with ``train.steps=2000000``."""
        named = [f"model.builder={self.builder}"] if self.builder else []
        return resume(f"resume={self.folder}", *named, *settings)


def train(*settings: str) -> TrainedRun:
    """Trains like ``python -m runner`` with the same settings.

    Ctrl-C or a notebook's stop button ends it with a checkpoint: ``run.resume()`` resumes the run.

    Args:
        settings: As typed on the command line: ``"env=pong"``, ``"train.steps=100000"``.

    Raises:
        UserError: A setting is invalid; nothing was started.
        RunError: The run cannot continue.
    """
    return train_composed(compose.load_run(command_line.with_paths_quoted(settings)))


def train_composed(run: Run) -> TrainedRun:
    """Trains with composed settings."""
    folder = run.folder()
    checks.check_packages(run.config)
    checks.check_writable(folder, "hydra.run.dir")
    checks.check_disk([run.config], folder)
    with contextlib.closing(make_games(run.config)) as games:  # loads while TensorFlow does
        from runner import training

        folder, code = training.train(run.config, games, folder, may_rename=not run.folder_is_typed)
        return TrainedRun(folder, code, getattr(run.config.model, "builder", None))


def resume(*settings: str) -> TrainedRun:
    """Resumes a run like ``python -m runner resume=...``.

    Args:
        settings: As typed on the command line: ``"resume=last"``, ``"train.steps=2000000"``.

    Raises:
        UserError: A setting is invalid, or the run cannot be resumed; the run is unchanged.
        RunError: The run cannot continue.
    """
    folder, overrides = run_to_resume(command_line.with_paths_quoted(settings))
    if is_pretrained(folder):
        raise UserError(
            f"resume={folder}: expected a run of your own (pretrained/ is read-only; to start "
            "from its weights: init_weights=FILE)"
        )
    run = RunDirectory(folder)
    config = run.read_config()
    named = [str(o.value()) for o in overrides if o.get_key_element() == "model.builder"]
    builder = named[-1] if named else None
    saved.allow_builder(config, folder, builder)
    config = changed(config, overrides)
    if config.memory.name == "sequential":
        raise UserError(
            f"resume={folder}: expected a run with memory=replay (keras-rl2's agent and memory "
            "have no checkpoints; start from its weights with init_weights= start_step=)"
        )
    run.check_resumable()
    checks.check_packages(config)
    with run.locked(), contextlib.closing(make_games(config)) as games:
        from runner import training

        return TrainedRun(run.folder, training.resume(config, games, run), builder)
