"""Adds Q-values and byte importances to a recorded game."""

from __future__ import annotations

import dataclasses
from typing import Final

import numpy as np
from numpy.typing import NDArray

from runner.environments.atari import AtariGame
from runner.evaluation import QFunction
from runner.explain.importance import importance_of_bytes, in_batches
from runner.memory.windows import RunningWindows
from runner.settings.schema import Config
from runner.video.overlay import Overlay
from runner.video.replay import Recording, at_start

LOOKED_AT: Final = 256  # states used to select bytes
FOLLOWED: Final = 16  # bytes evaluated at every step


def with_overlay(recording: Recording, q_values: QFunction, config: Config) -> Recording:
    """Replays a recorded game and adds the overlay's data.

    Args:
        recording: The game.
        q_values: (B, window, *observation) uint8 -> (B, nb_actions), of the agent that played.
        config: The agent's settings.
    """
    game = at_start(AtariGame(recording.env, config.obs), recording)
    windows = RunningWindows(1, config.obs.window, game.observe().shape, config.obs.padding)
    windows.push(slice(None), game.observe()[None], True)
    states = []
    for action in recording.actions:
        states.append(windows.states[0].copy())
        observation, *_ = game.step(int(action))
        windows.push(slice(None), observation[None], np.zeros(1, np.bool_))
    seen = np.array(states)
    overlay = Overlay(
        actions=game.action_meanings(),
        taken=recording.actions,
        q_values=in_batches(q_values, seen),
        matters=_matters(q_values, seen, config) if config.obs.name == "ram" else None,
    )
    return dataclasses.replace(recording, overlay=overlay)


def _matters(q_values: QFunction, states: NDArray[np.uint8], config: Config) -> NDArray[np.float32]:
    """(T, 128): relative change of Q at each step with a byte at its median, at most 1."""
    chosen = np.linspace(0, len(states) - 1, LOOKED_AT).astype(int)
    followed = importance_of_bytes(q_values, states[chosen], seed=0).order()[:FOLLOWED]
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
    return np.asarray(shares, np.float32)
