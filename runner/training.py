"""One run, from settings to result: games, network, memory, policy, agent, fit, evaluation."""

from __future__ import annotations

import contextlib
import platform
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil

from runner.callbacks.sinks import Sink, opened_sinks
from runner.environments.build import Games, make_games, start
from runner.environments.pool import EmulatorPool, game_seeds
from runner.errors import UserError
from runner.run_directory import RunDirectory
from runner.settings import checks
from runner.settings.memory_checks import checkpoint_bytes
from runner.settings.protocols import rules_of
from runner.settings.schema import Config

if TYPE_CHECKING:
    from runner.checkpoint.session import SessionCheckpoints


def train(config: Config, folder: Path, *, may_rename: bool) -> int:
    """Trains, evaluates, writes the run directory.

    Args:
        config: Checked settings.
        folder: The run directory to make.
        may_rename: Whether another name will do if a run has that folder already.

    Returns:
        The exit code: 0, or 129 / 130 / 143 if a signal ended the training.

    Raises:
        UserError: A file does not fit, or the folder cannot be used; nothing is left behind.
        RunError: The run cannot go on.
    """
    checks.check_packages(config)
    checks.check_disk(config, folder)
    games = make_games(config)
    try:
        # The emulators load while TensorFlow does.
        pieces = _Pieces(config, games)
        start(config, games)
        run = RunDirectory.claim(folder, config, may_rename=may_rename)
        with run.locked(), opened_sinks(config, run.folder) as sinks:
            return _fit_and_evaluate(config, games, pieces, run, sinks, resume=False)
    finally:
        games.close()


def resume(config: Config, run: RunDirectory) -> int:
    """Goes on with a run where its newest whole checkpoint was made.

    Args:
        config: The run's settings, with what may be changed changed.
        run: The run.

    Returns:
        The exit code, as of ``train``.

    Raises:
        UserError: The run has no whole checkpoint, or another process is at it.
        RunError: The run cannot go on.
    """
    if config.memory.name == "sequential":
        raise UserError(
            f"resume={run.folder}: expected a run with memory=replay (keras-rl2's own agent and "
            "memory keep no checkpoints; go on from its weights with init_weights= start_step=)"
        )
    checks.check_packages(config)
    with run.locked():
        games = make_games(config)
        try:
            pieces = _Pieces(config, games)
            start(config, games)
            run.write_config(config)
            with opened_sinks(config, run.folder) as sinks:
                return _fit_and_evaluate(config, games, pieces, run, sinks, resume=True)
        finally:
            games.close()


class _Pieces:
    """TensorFlow, set up, and what is made with it: network, memory, policy, agent."""

    def __init__(self, config: Config, games: Games) -> None:
        from runner import tensorflow_setup

        self.environment = tensorflow_setup.set_up(config.seed, checks.threads(config))
        from runner.agent.build import make_agent, make_memory, make_model
        from runner.policies.build import make_policy

        shape = games.single_observation_space.shape
        assert shape is not None
        self.model = make_model(config, shape, len(games.action_meanings))
        self.memory = make_memory(config, shape)
        self.policy = make_policy(config)
        self.agent = make_agent(config, self.model, self.memory, self.policy)

    def played_model(self) -> Any:
        """The network to evaluate, as it is now: the mean of its past if the agent keeps one."""
        from runner.agent.dqn import CompiledDQNAgent

        agent = self.agent
        return agent.update_played_model() if isinstance(agent, CompiledDQNAgent) else self.model


def _fit_and_evaluate(
    config: Config,
    games: Games,
    pieces: _Pieces,
    run: RunDirectory,
    sinks: Mapping[str, Sink],
    *,
    resume: bool,
) -> int:
    from runner.evaluation import one_line
    from runner.interrupts import Interrupts

    agent = pieces.agent
    callbacks = _callbacks(config, run, games, pieces, sinks)
    print(_header(config, games, pieces.environment), flush=True)
    pieces.model.summary(line_length=80)
    checkpoints = None
    if isinstance(games, EmulatorPool):
        checkpoints = _checkpoints(config, run, pieces, callbacks, resume)
    if resume:
        run.reopen()
    began = time.perf_counter()
    with Interrupts(
        stop=lambda: setattr(agent, "stop_training", True),
        save=checkpoints.request if checkpoints else lambda: None,
    ) as interrupts:
        options = {"checkpoints": checkpoints} if checkpoints else {}
        agent.fit(
            games, config.train.steps, callbacks=list(callbacks.values()), verbose=0, **options
        )
        seconds = time.perf_counter() - began
        memory = resident_bytes()  # the replay is at its fullest, the emulators still there
        if interrupts.received is not None:
            weights = run.weights / f"step_{agent.step}.weights.h5"
            agent.save_weights(str(weights), overwrite=True)
            resumable = checkpoints is not None
            print(_how_to_go_on(run, weights, agent.step, resumable=resumable), flush=True)
            return interrupts.exit_code
        agent.save_weights(str(run.final_weights), overwrite=True)
        agent.stop_training = False  # a signal from here on interrupts the evaluation at once
    print(f"weights: {run.final_weights}", flush=True)
    evaluation = callbacks["evaluations"].evaluate(agent.step)
    print(f"evaluation: {one_line(evaluation)}", flush=True)
    times = {"train": seconds, "checkpoints": checkpoints.seconds if checkpoints else 0.0}
    frames = callbacks["metrics"].frames
    begun_at = checkpoints.resumed_at if checkpoints else None
    steps_here = agent.step - (config.start_step if begun_at is None else begun_at)
    run.write_result(_result(config, agent.step, steps_here, frames, times, memory, evaluation))
    print(f"result: {run.result}", flush=True)
    if "videos" in callbacks:
        callbacks["videos"].finish()
    from runner.report.run_page import announce_page  # not needed before: it imports matplotlib

    announce_page(run.folder)
    return 0


def _checkpoints(
    config: Config, run: RunDirectory, pieces: _Pieces, callbacks: dict[str, Any], resume: bool
) -> SessionCheckpoints:
    from runner.checkpoint.session import SessionCheckpoints
    from runner.checkpoint.store import CheckpointStore

    return SessionCheckpoints(
        CheckpointStore(run.checkpoints, pieces.memory, config.checkpoint.keep),
        config.checkpoint.interval,
        {name: callback for name, callback in callbacks.items() if hasattr(callback, "get_state")},
        resume=resume,
    )


def _callbacks(
    config: Config, run: RunDirectory, games: Games, pieces: _Pieces, sinks: Mapping[str, Sink]
) -> dict[str, Any]:
    """By name, in the order in which they are called."""
    from runner.agent.dqn import q_function
    from runner.agent.xla import uses_xla
    from runner.callbacks.control import (
        StartAtStep,
        StopAfterGames,
        StopAfterMinutes,
        StopWhenAsked,
    )
    from runner.callbacks.episodes import EpisodeLines
    from runner.callbacks.evaluations import Evaluations
    from runner.callbacks.figures import Figures
    from runner.callbacks.metrics import MetricsFile
    from runner.callbacks.progress import Progress
    from runner.callbacks.videos import make_videos
    from runner.callbacks.weights import EpisodeWeights, IntervalWeights
    from runner.evaluation import evaluate

    q_values = q_function(pieces.played_model(), uses_xla(pieces.model, config.agent.jit_compile))
    seed = _evaluation_seed(config.seed)
    start, interval = config.start_step, config.checkpoint.interval
    weights = EpisodeWeights if config.checkpoint.weights == "episode" else IntervalWeights
    videos = make_videos(config, run.videos)
    callbacks: dict[str, Any] = {
        "start": StartAtStep(start),
        "metrics": MetricsFile(run.metrics, start),
        "weights": weights(run.weights_pattern, interval, start),
    }

    def play() -> dict[str, Any] | None:
        pieces.played_model()  # ``q_values`` are this network's
        return evaluate(
            q_values,
            config,
            seed=seed,
            stopped=lambda: pieces.agent.stop_training,
            best_game=videos.hold if videos else None,
        )

    evaluations = Evaluations(
        play,
        run.evaluations,
        run.best_weights,
        config.eval.interval,
        start,
        config.eval.start,
    )
    if sinks:  # before the evaluations, of which it hears: its steps are never behind theirs
        figures = Figures(sinks, config.logger.summary_interval, start)
        callbacks["figures"] = figures
        evaluations.listeners.append(figures.evaluated)
        if videos is not None:
            videos.listeners.append(figures.filmed)
    callbacks["evaluations"] = evaluations
    if videos is not None:
        callbacks["videos"] = videos
        evaluations.listeners.append(videos.evaluated)
    minutes = StopAfterMinutes(config.train.minutes)
    if config.logger.verbose == 2:
        callbacks["episodes"] = EpisodeLines(config.train.steps, start)
    if config.logger.verbose:
        callbacks["progress"] = Progress(
            config.train.steps, config.logger.interval, start, lambda: minutes.seconds_left
        )
    callbacks["games"] = StopAfterGames(config.train.episodes)
    callbacks["minutes"] = minutes
    if not isinstance(games, EmulatorPool):
        callbacks["stop"] = StopWhenAsked()
    return callbacks


def _header(config: Config, games: Games, environment: str) -> str:
    env = config.env
    lives = "a lost life is terminal" if env.terminal_on_life_loss else "lives ignored"
    return "\n".join([
        f"{env.game}, obs={config.obs.name}, agent={config.agent.name}, seed={config.seed}",
        f"{rules_of(env)}: frame skip {env.frame_skip}, sticky {env.repeat_action_probability:g}, "
        f"no-ops {env.noop_max}, {lives}; {env.num_envs} game(s) at once",
        f"actions: {' '.join(games.action_meanings)}",
        _saved(config),
        environment,
    ])  # fmt: skip


def _saved(config: Config) -> str:
    interval, replay = config.checkpoint.interval, checkpoint_bytes(config)
    if not replay:
        return f"weights every {interval:,} steps; no checkpoints (memory={config.memory.name})"
    return (
        f"checkpoints every {interval:,} steps, {config.checkpoint.keep} kept: their replay takes "
        f"up to {replay / 1e9:.2f} GB of disk"
    )


def _how_to_go_on(run: RunDirectory, weights: Path, step: int, *, resumable: bool) -> str:
    if resumable:
        way = f"Go on with\n  python -m runner resume={run.folder}"
    else:
        way = (
            "keras-rl2's own agent cannot resume. To go on from its weights, run the same command "
            f"with\n  init_weights={weights} start_step={step}"
        )
    return f"interrupted at step {step:,}, saved. {way}"


def resident_bytes() -> int:
    """Memory in use: all of this process, and what its emulators do not share with it."""
    own = psutil.Process()
    used = int(own.memory_info().rss)
    for child in own.children(recursive=True):
        with contextlib.suppress(psutil.Error):  # it has just ended, or may not be looked at
            used += int(child.memory_full_info().uss)
    return used


def _evaluation_seed(seed: int) -> int:
    """Another seed than training's, derived from it."""
    return game_seeds(seed, 1024)[-1]


def _result(
    config: Config,
    step: int,
    steps_here: int,
    frames: int,
    seconds: dict[str, float],
    memory: int,
    evaluation: dict[str, Any],
) -> dict[str, Any]:
    import keras
    import tensorflow as tf

    env = config.env
    return {
        "game": env.game,
        "obs": config.obs.name,
        "agent": config.agent.name,
        "seed": config.seed,
        "protocol": {
            "name": env.protocol,
            "frame_skip": env.frame_skip,
            "repeat_action_probability": env.repeat_action_probability,
            "full_actions": env.full_actions,
            "noop_max": env.noop_max,
            "terminal_on_life_loss": env.terminal_on_life_loss,
            "fire_at_start": env.fire_at_start,
            "start_moves_max": env.start_moves_max,
            "max_frames": env.max_frames,
        },
        "steps": step,
        "frames": frames,
        # Since this process began: a resumed run's earlier part is in metrics.csv.
        "train_seconds": round(seconds["train"], 3),
        "checkpoint_seconds": round(seconds["checkpoints"], 3),
        "steps_per_second": round(steps_here / seconds["train"], 1),
        # Resident at the end of training, this process and the emulators' together.
        "memory_bytes": memory,
        "evaluation": evaluation,
        "versions": {
            "python": platform.python_version(),
            "tensorflow": tf.__version__,
            "keras": keras.__version__,
        },
    }
