"""Gathers transitions from ring buffers: windows of observations and n-step returns.

Sources: Sutton 1988, https://doi.org/10.1007/BF00115009 (n-step returns); Hessel et al. 2018,
https://arxiv.org/abs/1710.02298 (n-step returns in DQN).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from runner.memory.batch import Batch
from runner.memory.rings import TERMINAL, Rings


@dataclass(eq=False, repr=False)
class Transitions(Rings):
    """Rings whose transitions are assembled when drawn.

    Args:
        streams: Number of parallel environments that write.
        capacity: Entries per stream.
        observation_shape: Shape of one uint8 observation.
        window_length: Observations in a state.
        ignore_episode_boundaries: Let windows reach into the previous episode.
        padding: Fills windows at the start of an episode: ``zeros``, or its ``first`` frame.
        n_step: Steps of a return; fewer if the episode ends earlier, terminal or truncated.
        gamma: Discount per step inside a return; required if ``n_step`` is above 1.

    Raises:
        ValueError: ``gamma`` is missing.
    """

    window_length: int
    ignore_episode_boundaries: bool
    padding: str
    n_step: int
    gamma: float | None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.n_step > 1 and self.gamma is None:
            steps = f"n_step={self.n_step}"
            raise ValueError(f"gamma=None: expected the discount per step with {steps}")

    def gather(self, streams: NDArray[np.int64], indices: NDArray[np.int64]) -> Batch:
        """Returns the transitions into the entries ``indices`` of ``streams``, both (n,).

        Entry ``i - 1`` holds the last frame of state0 and the action taken there, entry ``i`` the
        next observation: with ``n_step`` 1 the last frame of state1. Frames of an earlier episode
        are replaced by padding.
        """
        if self.n_step > 1:
            return self._gather_returns(streams, indices)
        frames, at = self._frames(streams, indices, self.window_length + 1, 2)
        acted = at[:, -2]
        return Batch(
            frames,
            self.actions.reshape(-1)[acted].astype(np.int32),
            self.rewards.reshape(-1)[acted],
            self.flags.reshape(-1)[acted] & TERMINAL != 0,
        )

    def _gather_returns(self, streams: NDArray[np.int64], indices: NDArray[np.int64]) -> Batch:
        assert self.gamma is not None
        steps = self.steps(streams, indices)
        lasts = np.stack([indices - 1, indices - 1 + steps], axis=1)  # of state0, of state1
        frames, _ = self._frames(np.repeat(streams, 2), lasts.ravel(), self.window_length, 1)
        ahead = np.arange(self.n_step)
        acted = self.positions(streams, indices[:, None] - 1 + ahead)  # (n, n_step)
        discounts = np.where(ahead < steps[:, None], self.gamma**ahead, 0.0)
        rewards = (self.rewards.reshape(-1)[acted] * discounts).sum(axis=1)
        newest = acted[np.arange(len(steps)), steps - 1]
        return Batch(
            frames.reshape(len(steps), 2 * self.window_length, *self.observation_shape),
            self.actions.reshape(-1)[acted[:, 0]].astype(np.int32),
            rewards.astype(np.float32),
            self.flags.reshape(-1)[newest] & TERMINAL != 0,
            steps,
        )

    def steps(self, streams: NDArray[np.int64], indices: NDArray[np.int64]) -> NDArray[np.int64]:
        """(n,): steps of the returns, ``n_step`` unless the episode ends earlier.

        If neither is reached by the newest entry, the steps lead past it.
        """
        # Entries from the acted-on one; past the newest, old entries follow, too far to count.
        ahead = indices[:, None] + np.arange(-1, self.n_step - 1)
        ends = self.is_boundary(self.positions(streams, ahead))
        return np.where(ends.any(axis=1), ends.argmax(axis=1) + 1, self.n_step)

    def _frames(
        self, streams: NDArray[np.int64], lasts: NDArray[np.int64], length: int, own: int
    ) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
        """Observations up to the entries ``lasts`` (n,), padded where an earlier episode begins.

        Args:
            streams: (n,).
            lasts: (n,) entries.
            length: Observations up to and including each entry.
            own: Number of last frames that belong to the episode regardless of flags.

        Returns:
            Frames (n, length, *observation) and their positions (n, length).
        """
        # From the entry before the first: if an episode ends there, the first is its final entry.
        reach = self.positions(streams, lasts[:, None] + np.arange(-length, 1))
        at = reach[:, 1:]
        frames = self.observations.reshape(-1, *self.observation_shape).take(at, axis=0)
        if not self.ignore_episode_boundaries and length > own:
            # Frame e belongs to an earlier episode if any entry from e - 1 on is a boundary, up to
            # two before the first own frame: the one just before may be the previous boundary's
            # final entry.
            ends = self.is_boundary(reach[:, : length - own])
            if ends.any():
                outside = np.logical_or.accumulate(ends[:, ::-1], axis=1)[:, ::-1]
                if self.padding == "first":
                    rows, places = np.nonzero(outside)
                    frames[rows, places] = frames[rows, outside.sum(axis=1)[rows]]
                else:
                    frames[:, : length - own][outside] = 0
        return frames, at
