"""Builds the callbacks of a run, in the order in which they are called."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from runner.callbacks.control import StartAtStep, StopEarly, StopWhenAsked
from runner.callbacks.episodes import EpisodeLines
from runner.callbacks.evaluations import Evaluations
from runner.callbacks.figures import Figures
from runner.callbacks.games import Story
from runner.callbacks.metrics import MetricsFile
from runner.callbacks.progress import Progress
from runner.callbacks.sinks import Sink
from runner.callbacks.videos import Videos, make_videos
from runner.callbacks.weights import EpisodeWeights, IntervalWeights
from runner.evaluation import Evaluation
from runner.keras_rl2 import Callback
from runner.run_directory import RunDirectory
from runner.settings.schema import Config
from runner.video.replay import Recording
from runner.video.studio import Prepared

Play = Callable[[Callable[[Recording], None] | None], Evaluation | None]


class Callbacks(NamedTuple):
    """All callbacks of a run by name, and those used again at its end."""

    by_name: dict[str, Callback]
    story: Story
    evaluations: Evaluations
    videos: Videos | None


def make_callbacks(
    config: Config, run: RunDirectory, sinks: Mapping[str, Sink], play: Play, prepared: Prepared
) -> Callbacks:
    """Builds the callbacks of a run.

    Args:
        config: Settings of the run.
        run: The run directory.
        sinks: Destinations of the metrics.
        play: Evaluates the current agent; its argument is called with the best game.
        prepared: Adds the overlay to a recording, in the encoder process; picklable.
    """
    train, logger, checkpoint, plan = config.train, config.logger, config.checkpoint, config.eval
    story = Story()
    weights = EpisodeWeights if checkpoint.weights == "episode" else IntervalWeights
    stop = StopEarly(story, train.episodes, train.minutes)
    videos = make_videos(config, run.videos, prepared)
    hold = videos.hold if videos else None
    evaluations = Evaluations(
        lambda: play(hold), run.evaluations, run.best_weights, plan.interval, plan.start
    )
    callbacks: dict[str, Callback] = {
        "start": StartAtStep(config.start_step),
        "story": story,
        "metrics": MetricsFile(run.metrics, story),
        "weights": weights(run.weights_pattern, checkpoint.interval),
    }
    if sinks:  # before the evaluations it listens to, so that logged steps never decrease
        callbacks["figures"] = figures = Figures(sinks, logger.summary_interval, story)
        evaluations.listeners.append(figures.evaluated)
        if videos is not None:
            videos.listeners.append(figures.filmed)
    callbacks["evaluations"] = evaluations
    if videos is not None:
        callbacks["videos"] = videos
        evaluations.listeners.append(videos.evaluated)
    if logger.verbose == 2:
        callbacks["episodes"] = EpisodeLines(train.steps, story)
    if logger.verbose:
        callbacks["progress"] = Progress(
            train.steps, logger.interval, story, lambda: stop.seconds_left
        )
    callbacks["stop"] = stop
    if config.memory.name == "sequential":
        callbacks["asked"] = StopWhenAsked()
    return Callbacks(callbacks, story, evaluations, videos)
