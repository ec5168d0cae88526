"""One run, from settings to result: games, network, memory, policy, agent, fit, evaluation."""

from __future__ import annotations

import math
import platform
import time
from pathlib import Path
from typing import Any

from runner.config.schema import Config
from runner.environments.build import Games, make_games
from runner.environments.pool import EmulatorPool, game_seeds
from runner.run_directory import RunDirectory


def train(config: Config, folder: Path, *, may_rename: bool) -> int:
    """Trains, evaluates, writes the run directory.

    Args:
        config: Checked settings.
        folder: The run directory to make.
        may_rename: Whether another name will do if a run has that folder already.

    Returns:
        The exit code: 0, or 130 / 143 if a signal ended the training.

    Raises:
        UserError: A file does not fit, or the folder cannot be used; nothing is left behind.
        RunError: The run cannot go on.
    """
    games = make_games(config)
    try:
        return _train(config, games, folder, may_rename)
    finally:
        games.close()


def _train(config: Config, games: Games, folder: Path, may_rename: bool) -> int:
    # The emulators load while TensorFlow does.
    from runner import tensorflow_setup

    environment = tensorflow_setup.set_up(config.seed)
    from runner.agent.build import make_agent, make_memory, make_model, make_policy
    from runner.evaluation import evaluate, one_line
    from runner.interrupts import Interrupts

    shape = games.single_observation_space.shape
    assert shape is not None
    model = make_model(config, shape, len(games.action_meanings))
    memory = make_memory(config, shape)
    policy = make_policy(config)
    agent = make_agent(config, model, memory, policy)
    run = RunDirectory.claim(folder, config, may_rename=may_rename)
    callbacks = _callbacks(config, run, games)

    print(_header(config, games, environment), flush=True)
    model.summary(line_length=80)
    if isinstance(games, EmulatorPool):
        games.reset(seed=game_seeds(config.seed, games.num_envs))
    began = time.perf_counter()
    with Interrupts(lambda: setattr(agent, "stop_training", True)) as interrupts:
        agent.fit(games, config.train.steps, callbacks=callbacks, verbose=0)
        seconds = time.perf_counter() - began
        if interrupts.received is not None:
            path = run.weights / f"step_{agent.step}.weights.h5"
            agent.save_weights(str(path), overwrite=True)
            print(_how_to_go_on(path, agent.step), flush=True)
            return interrupts.exit_code
        agent.save_weights(str(run.final_weights), overwrite=True)
    print(f"weights: {run.final_weights}", flush=True)
    evaluation = evaluate(model, config, seed=_evaluation_seed(config.seed))
    print(f"evaluation: {one_line(evaluation)}", flush=True)
    run.write_result(_result(config, games, agent, seconds, evaluation))
    print(f"result: {run.result}", flush=True)
    return 0


def _callbacks(config: Config, run: RunDirectory, games: Games) -> list[Any]:
    from runner.callbacks.control import StartAtStep, StopWhenAsked
    from runner.callbacks.metrics import MetricsFile
    from runner.callbacks.progress import Progress
    from runner.keras_rl2 import ModelIntervalCheckpoint

    checkpoint = ModelIntervalCheckpoint(run.weights_pattern, config.checkpoint.interval)
    checkpoint.total_steps = config.start_step
    callbacks = [
        StartAtStep(config.start_step),
        MetricsFile(run.metrics, config.start_step),
        checkpoint,
    ]
    if config.logger.progress:
        callbacks.append(Progress(config.train.steps, config.logger.interval, config.start_step))
    if not isinstance(games, EmulatorPool):
        callbacks.append(StopWhenAsked())
    return callbacks


def _header(config: Config, games: Games, environment: str) -> str:
    env = config.env
    lives = "a lost life is terminal" if env.life_loss else "lives ignored"
    return "\n".join([
        f"{env.game}, obs={config.obs.name}, agent={config.agent.name}, seed={config.seed}",
        f"protocol {env.protocol}: frame skip {env.frame_skip}, sticky {env.sticky:g}, "
        f"no-ops {env.noop_max}, {lives}; {env.num_envs} game(s) at once",
        f"actions: {' '.join(games.action_meanings)}",
        environment,
    ])  # fmt: skip


def _how_to_go_on(weights: Path, step: int) -> str:
    return (
        f"interrupted at step {step}. To go on from these weights, run the same command with\n"
        f"  init_weights={weights} start_step={step}"
    )


def _evaluation_seed(seed: int) -> int:
    """Another seed than training's, derived from it."""
    return game_seeds(seed, 1024)[-1]


def _result(
    config: Config, games: Games, agent: Any, seconds: float, evaluation: dict[str, Any]
) -> dict[str, Any]:
    import keras
    import tensorflow as tf

    env = config.env
    steps = agent.step - config.start_step
    return {
        "game": env.game,
        "obs": config.obs.name,
        "agent": config.agent.name,
        "seed": config.seed,
        "protocol": {
            "name": env.protocol,
            "frame_skip": env.frame_skip,
            "sticky": env.sticky,
            "full_actions": env.full_actions,
            "noop_max": env.noop_max,
            "life_loss": env.life_loss,
            "max_frames": env.max_frames,
        },
        "steps": agent.step,
        "train_seconds": round(seconds, 3),
        "steps_per_second": round(steps / seconds, 1) if seconds > 0 else math.nan,
        "evaluation": evaluation,
        "versions": {
            "python": platform.python_version(),
            "tensorflow": tf.__version__,
            "keras": keras.__version__,
        },
    }
