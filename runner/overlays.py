"""Adds the agent's Q-values and the importance of bytes to a recorded game, by a replay."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from runner.environments.atari import AtariGame, actions_of
from runner.evaluation import QFunction
from runner.importance import BATCH, importance_of_bytes, in_batches
from runner.memory.windows import RunningWindows
from runner.settings.observations import observation_shape
from runner.settings.schema import Config
from runner.video.overlay import Overlay
from runner.video.replay import Recording, at_start

LOOKED_AT: Final = 256  # states used to select bytes
FOLLOWED: Final = 16  # bytes whose influence is shown
EVALUATED: Final = 4096  # steps at which it is evaluated, evenly spread over a longer game


def with_own_overlay(config: Config, recording: Recording) -> Recording:
    """Adds the overlay of the network whose weights the recording has; unchanged without weights.

    Called in the encoder process: training goes on meanwhile.
    """
    if recording.weights is None:
        return recording
    from runner import tensorflow_setup

    tensorflow_setup.set_up(config.seed, threads=1)
    from runner.agent.build import make_model
    from runner.agent.dqn import q_function

    shape = observation_shape(recording.env, config.obs)
    model = make_model(config, shape, len(actions_of(recording.env)))
    model.set_weights(recording.weights)
    return with_overlay(recording, q_function(model, jit_compile=False), config)


def with_overlay(recording: Recording, q_values: QFunction, config: Config) -> Recording:
    """Adds the overlay's data.

    Args:
        recording: The game.
        q_values: (B, window, *observation) uint8 -> (B, nb_actions), of the agent that played.
        config: The agent's settings.
    """
    game = at_start(AtariGame(recording.env, config.obs), recording)
    states = _states(game, recording, config)
    reads_ram = config.obs.name == "ram"
    seen, values = [], []
    # Screens are not kept: a long game has gigabytes of them.
    while batch := list(itertools.islice(states, BATCH)):
        values.append(in_batches(q_values, np.array(batch)))
        seen += batch if reads_ram else []
    overlay = Overlay(
        actions=game.action_meanings(),
        taken=recording.actions,
        q_values=np.concatenate(values),
        matters=_matters(q_values, np.array(seen), config) if reads_ram else None,
    )
    return dataclasses.replace(recording, overlay=overlay)


def _states(game: AtariGame, recording: Recording, config: Config) -> Iterator[NDArray[np.uint8]]:
    """The state (window, *observation) before each action."""
    windows = RunningWindows(1, config.obs.window, game.observe().shape, config.obs.padding)
    windows.push(slice(None), game.observe()[None], True)
    for action in recording.actions:
        yield windows.states[0].copy()
        observation, *_ = game.step(int(action))
        windows.push(slice(None), observation[None], np.zeros(1, np.bool_))


def _matters(q_values: QFunction, states: NDArray[np.uint8], config: Config) -> NDArray[np.float32]:
    """(T, 128): relative change of Q at each step with a byte at its median, at most 1."""
    chosen = np.linspace(0, len(states) - 1, LOOKED_AT).astype(int)
    followed = importance_of_bytes(q_values, states[chosen], seed=0).order()[:FOLLOWED]
    steps, every = len(states), -(-len(states) // EVALUATED)
    states = states[::every]
    true = in_batches(q_values, states)
    addresses = getattr(config.obs, "bytes", None) or range(states.shape[-1])
    changes = np.zeros((len(states), 128), np.float32)
    for i in followed:
        blind = states.copy()
        blind[:, :, i] = np.median(states[:, -1, i])
        changes[:, addresses[i]] = np.abs(in_batches(q_values, blind) - true).mean(axis=-1)
    # Relative to the step's largest, but at least the median: in a calm state nothing stands out.
    largest = changes.max(axis=1)
    shares = changes / np.maximum(largest, np.median(largest) + 1e-9)[:, None]
    return np.repeat(np.asarray(shares, np.float32), every, axis=0)[:steps]
