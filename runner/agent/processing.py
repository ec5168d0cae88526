"""Applies a user's keras-rl2 processor at the points where keras-rl2 does."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from runner.keras_rl2 import Processor


class Processing:
    """Calls the methods that ``processor`` overrides, for parallel environments.

    ``process_state_batch`` receives both states of a transition as one longer window: it must treat
    every frame alike.
    """

    def __init__(self, processor: Processor | None) -> None:
        self._processor: Any = processor  # None is never called below
        self._whole_steps = _overrides(processor, "process_step")
        self._sees = self._whole_steps or _overrides(processor, "process_observation")
        self._rewards = self._whole_steps or _overrides(processor, "process_reward")
        self._acts = _overrides(processor, "process_action")
        self._scales = _overrides(processor, "process_state_batch")

    @property
    def metrics(self) -> list[float]:
        """The processor's metrics."""
        return [] if self._processor is None else list(self._processor.metrics)

    def observations(self, observations: NDArray[Any]) -> NDArray[Any]:
        """(n, *observation), processed for the network."""
        if not self._sees:
            return observations
        return np.stack([self._processor.process_observation(o) for o in observations])

    def actions(self, actions: NDArray[np.int32]) -> NDArray[np.int32]:
        """(n,), processed for the emulator."""
        if not self._acts:
            return actions
        return np.array([self._processor.process_action(a) for a in actions], np.int32)

    def states(self, states: NDArray[Any]) -> NDArray[Any]:
        """(n, window, *observation), processed for the network."""
        return np.asarray(self._processor.process_state_batch(states)) if self._scales else states

    def windows(self, windows: NDArray[Any]) -> NDArray[Any]:
        """Sampled (K, B, frames, *observation), processed for the network."""
        if not self._scales:
            return windows
        flat = windows.reshape(-1, *windows.shape[2:])
        return self.states(flat).reshape(windows.shape)

    def step(
        self,
        observations: NDArray[Any],
        final_observations: NDArray[Any],
        rewards: NDArray[Any],
        ended: NDArray[np.bool_],
    ) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
        """Processes the results of a step for learning.

        Args:
            observations: (n, *observation) next observation; of the new game where one ended.
            final_observations: (n, *observation) last observation of the game, where one ended.
            rewards: (n,) points.
            ended: (n,) whether the game ended.

        Returns:
            The first three arguments, processed.
        """
        if self._whole_steps:
            return self._whole_step(observations, final_observations, rewards, ended)
        if self._rewards:
            rewards = np.array([self._processor.process_reward(r) for r in rewards])
        if self._sees:
            final_observations = self.observations(final_observations)
        return self.observations(observations), final_observations, rewards

    def _whole_step(
        self, observations: Any, final_observations: Any, rewards: Any, ended: Any
    ) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
        last = [final_observations[i] if end else observations[i] for i, end in enumerate(ended)]
        steps = [
            self._processor.process_step(observation, reward, bool(end), {})
            for observation, reward, end in zip(last, rewards, ended, strict=True)
        ]
        final = np.stack([step[0] for step in steps])
        seen = final.copy()
        if ended.any():
            seen[ended] = self.observations(observations[ended])
        return seen, final, np.array([step[1] for step in steps])


def _overrides(processor: Processor | None, method: str) -> bool:
    own = getattr(type(processor), method, None)
    return processor is not None and own is not getattr(Processor, method)
