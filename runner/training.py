"""One run: games, network, memory, policy, agent, callbacks, fit, evaluation, result."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import importlib.metadata
import platform
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil

from runner import tensorflow_setup  # before imports of TensorFlow, to silence it
from runner.agent.build import build_agent, places_found, precision
from runner.agent.dqn import CompiledDQNAgent, q_function
from runner.agent.xla import uses_xla
from runner.callbacks.build import Callbacks, make_callbacks
from runner.callbacks.sinks import opened_sinks
from runner.checkpoint.session import SessionCheckpoints
from runner.checkpoint.store import CheckpointStore
from runner.environments.build import Games, start
from runner.environments.pool import game_seeds
from runner.evaluation import Evaluation, evaluate
from runner.interrupts import Interrupts
from runner.keras_rl2 import DQNAgent
from runner.overlays import with_own_overlay
from runner.report.runs import shown
from runner.run_directory import RunDirectory
from runner.settings import checks
from runner.settings.memory_checks import checkpoint_bytes
from runner.settings.protocols import rules_of
from runner.settings.schema import Config
from runner.video.replay import Recording


def train(config: Config, games: Games, folder: Path, *, may_rename: bool) -> tuple[Path, int]:
    """Trains, evaluates, writes the run directory.

    Args:
        config: Validated settings.
        games: Environments with these settings; they load while TensorFlow does.
        folder: The run directory to create.
        may_rename: Whether to use another name if the folder already contains a run.

    Returns:
        The run's folder, and the exit code: 0, or 129 / 130 / 143 if a signal ended training.

    Raises:
        UserError: A file is incompatible, or the folder cannot be used; no files are left behind.
        RunError: The run cannot continue.
    """
    environment = tensorflow_setup.set_up(config.seed, checks.threads(config))
    agent = build_agent(config, games)
    start(config, games)
    header = _header(config, games, environment)
    run = RunDirectory.claim(folder, config, may_rename=may_rename)
    with run.locked():
        return run.folder, _fit_and_evaluate(config, games, agent, run, header, resume=False)


def resume(config: Config, games: Games, run: RunDirectory) -> int:
    """Resumes a run at its newest undamaged checkpoint.

    Args:
        config: The run's settings, including changes.
        games: Environments with these settings.
        run: The run, locked by this process.

    Returns:
        The exit code, as for ``train``.

    Raises:
        UserError: The run has no usable checkpoint; the run is unchanged.
        RunError: The run cannot continue.
    """
    environment = tensorflow_setup.set_up(config.seed, checks.threads(config))
    # The weights come from the checkpoint.
    agent = build_agent(dataclasses.replace(config, init_weights=None), games, adapts=False)
    start(config, games)
    header = _header(config, games, environment)
    return _fit_and_evaluate(config, games, agent, run, header, resume=True)


def _fit_and_evaluate(
    config: Config, games: Games, agent: DQNAgent, run: RunDirectory, header: str, *, resume: bool
) -> int:
    print(header, flush=True)
    agent.model.summary(line_length=80)
    with opened_sinks(config, run.folder) as sinks:
        prepared = functools.partial(with_own_overlay, config)
        callbacks = make_callbacks(config, run, sinks, _player(config, agent), prepared)
        checkpoints = _checkpoints(config, run, agent, callbacks, resume)
        with Interrupts(
            stop=lambda: setattr(agent, "stop_training", True),
            save=checkpoints.request if checkpoints else lambda: None,
        ) as interrupts:
            more = {"checkpoints": checkpoints} if checkpoints else {}
            listeners = [*callbacks.by_name.values()]
            agent.fit(games, config.train.steps, callbacks=listeners, verbose=0, **more)
            memory = resident_bytes()  # the replay is at its fullest, the emulators still run
            if interrupts.received is not None:
                weights = run.weights / f"step_{agent.step}.weights.h5"
                agent.save_weights(str(weights), overwrite=True)
                resumable = checkpoints is not None
                print(_how_to_resume(run, weights, agent.step, resumable=resumable), flush=True)
                return interrupts.exit_code
            agent.save_weights(str(run.final_weights), overwrite=True)
            agent.stop_training = False  # from here on, a signal interrupts the evaluation
        print(f"weights: {run.final_weights}", flush=True)
        evaluation = callbacks.evaluations.evaluate(callbacks.story.step)
        places = places_found(config, agent.model.layers)
        assert evaluation is not None  # no stop can be requested any more
        print(f"evaluation: {evaluation}", flush=True)
        run.write_result(_result(config, callbacks, checkpoints, memory, places, evaluation))
        print(f"result: {run.result}", flush=True)
        if callbacks.videos is not None:
            callbacks.videos.finish()
    from runner.report.run_page import announce_page  # imported late: needs matplotlib

    announce_page(run.folder)
    return 0


def _player(config: Config, agent: DQNAgent) -> Callable[..., Evaluation | None]:
    """Returns a function that evaluates the current network."""

    def network() -> Any:
        """The network with averaged weights, if the agent keeps them."""
        return agent.update_played_model() if isinstance(agent, CompiledDQNAgent) else agent.model

    q_values = q_function(network(), uses_xla(agent.model, config.agent.jit_compile))
    seed = game_seeds(config.seed, 1024)[-1]  # different from the training seeds

    def play(best_game: Callable[[Recording], None] | None) -> Evaluation | None:
        weights = network().get_weights  # also updates the weights used by ``q_values``

        def recorded(recording: Recording) -> None:
            if best_game is not None:
                shown = weights() if config.video.overlay else None
                best_game(dataclasses.replace(recording, weights=shown))

        return evaluate(
            q_values, config, seed=seed, stopped=lambda: agent.stop_training, best_game=recorded
        )

    return play


def _checkpoints(
    config: Config, run: RunDirectory, agent: DQNAgent, callbacks: Callbacks, resume: bool
) -> SessionCheckpoints | None:
    """Saves and restores the session; None: keras-rl2's loop cannot be resumed."""
    if config.memory.name == "sequential":
        return None
    stateful = {name: c for name, c in callbacks.by_name.items() if hasattr(c, "get_state")}
    return SessionCheckpoints(
        CheckpointStore(run.checkpoints, agent.memory, config.checkpoint.keep, run.identity()),
        config.checkpoint.interval,
        stateful,
        nb_steps=config.train.steps,
        restored=(lambda: run.reopen(config)) if resume else None,
    )


def _header(config: Config, games: Games, environment: str) -> str:
    env = config.env
    lives = "a lost life is terminal" if env.terminal_on_life_loss else "lives ignored"
    return "\n".join([
        f"{env.game}, obs={config.obs.name}, seed={config.seed}",
        _agent(config),
        f"{rules_of(env)}: frame skip {env.frame_skip}, sticky {env.repeat_action_probability:g}, "
        f"no-ops {env.noop_max}, {lives}; {env.num_envs} parallel environment(s)",
        f"actions: {' '.join(games.action_meanings)}",
        _saved(config),
        f"{environment}, {precision(config)}",
    ])  # fmt: skip


def _agent(config: Config) -> str:
    """Name of the agent, and its settings that differ from the dataclass's defaults."""
    agent, plain = vars(config.agent), vars(type(config.agent)())
    changed = [f"{name}={shown(value)}" for name, value in agent.items() if value != plain[name]]
    return f"agent: {config.agent.name}{' with ' if changed else ''}{', '.join(changed)}"


def _saved(config: Config) -> str:
    interval, replay = config.checkpoint.interval, checkpoint_bytes(config)
    if not replay:
        return f"weights every {interval:,} steps; no checkpoints (memory={config.memory.name})"
    return (
        f"checkpoints every {interval:,} steps, {config.checkpoint.keep} kept: their replay takes "
        f"up to {replay / 1e9:.2f} GB of disk space"
    )


def _how_to_resume(run: RunDirectory, weights: Path, step: int, *, resumable: bool) -> str:
    if resumable:
        way = f"Resume with\n  python -m runner {shlex.quote(f'resume={run.folder}')}"
    else:
        settings = shlex.join([f"init_weights={weights}", f"start_step={step}"])
        way = (
            "keras-rl2's agent cannot be resumed. To start from its weights, run the same command "
            f"with\n  {settings}"
        )
    return f"interrupted at step {step:,}, saved. {way}"


def resident_bytes() -> int:
    """Memory in use: this process's, and the emulators' memory not shared with it."""
    own = psutil.Process()
    used = int(own.memory_info().rss)
    for child in own.children(recursive=True):
        with contextlib.suppress(psutil.Error):  # it has just ended, or access is denied
            used += int(child.memory_full_info().uss)
    return used


def _result(
    config: Config,
    callbacks: Callbacks,
    checkpoints: SessionCheckpoints | None,
    memory_bytes: int,
    places: list[str],
    evaluation: Evaluation,
) -> dict[str, Any]:
    """``result.json``: the result of a run. Its settings are in ``config.yaml``."""
    story = callbacks.story
    seconds = story.seconds  # including the parts before a resume
    return {
        "game": config.env.game,
        "obs": config.obs.name,
        "agent": config.agent.name,
        "seed": config.seed,
        "steps": story.step,
        "frames": story.frames,
        "train_seconds": round(seconds, 3),
        "checkpoint_seconds": round(checkpoints.seconds if checkpoints else 0.0, 3),  # part of them
        "steps_per_second": round((story.step - config.start_step) / seconds, 1),
        "places": places,  # positions that the network found in random play
        "memory_bytes": memory_bytes,  # resident at the end of training, with the emulators
        "evaluation": {"step": story.step, **vars(evaluation)},
        "versions": {
            "python": platform.python_version(),
            **{name: importlib.metadata.version(name) for name in ("tensorflow", "keras")},
        },
    }
