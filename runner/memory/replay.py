"""Replay memory on uint8 rings: each frame is kept once, windows are gathered when sampled.

For the same stored steps and the same indices it returns what keras-rl2's ``SequentialMemory``
returns, at a cost that does not grow with its size. Each game writes a ring of its own (a stream).

How an episode's end is stored (keras-rl2's way): the last transition of the episode is marked as a
boundary, and one more entry then holds the final observation, so that the next state of that
transition exists. That entry is never the start of a sampled transition.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from runner.keras_rl2 import Experience, Memory

TERMINAL = 1  # nothing follows: do not bootstrap
BOUNDARY = 2  # the episode ends here (terminal or truncated): windows stop


class Batch(NamedTuple):
    """Transitions, each with the frames of both its states.

    ``windows`` (..., window + 1, *observation) uint8: state0 is ``windows[..., :-1, :]``, state1 is
    ``windows[..., 1:, :]``. ``actions`` (...) int32, ``rewards`` (...) float32, ``terminals`` (...)
    bool: no bootstrap from state1.
    """

    windows: NDArray[np.uint8]
    actions: NDArray[np.int32]
    rewards: NDArray[np.float32]
    terminals: NDArray[np.bool_]

    def reshape(self, *leading: int) -> Batch:
        """Returns the same transitions, their leading axes made ``leading``."""
        return Batch(
            self.windows.reshape(*leading, *self.windows.shape[self.actions.ndim :]),
            self.actions.reshape(leading),
            self.rewards.reshape(leading),
            self.terminals.reshape(leading),
        )


class ReplayMemory(Memory):  # type: ignore[misc]
    """keras-rl2 memory of uint8 observations.

    Args:
        limit: Entries kept, over all streams; rounded down to a multiple of ``streams``.
        window_length: Observations in a state.
        observation_shape: Shape of one uint8 observation.
        streams: Number of games that write, each in its own order.
        ignore_episode_boundaries: Let windows reach into the episode before, as keras-rl2 can.
        seed: Of the generator that draws the indices.
        padding: What stands for the frames before an episode: ``zeros``, or its ``first`` frame.

    Raises:
        ValueError: ``limit`` holds less than a transition of every stream.
    """

    RINGS: Final = ("observations", "actions", "rewards", "flags")  # (streams, capacity, ...)

    def __init__(
        self,
        limit: int,
        window_length: int,
        observation_shape: Sequence[int],
        streams: int = 1,
        ignore_episode_boundaries: bool = False,
        seed: int | None = None,
        padding: str = "zeros",
    ) -> None:
        super().__init__(window_length, ignore_episode_boundaries)
        capacity = limit // streams
        if capacity < window_length + 2:
            raise ValueError(
                f"limit={limit}: expected at least {streams * (window_length + 2)} entries"
            )
        self.limit = limit
        self.streams = streams
        self.padding = padding
        self.capacity = capacity  # of one stream
        self.observation_shape = tuple(observation_shape)
        self.generator = np.random.default_rng(seed)
        # np.zeros takes no memory until it is written to.
        self.observations = np.zeros((streams, capacity, *observation_shape), np.uint8)
        self.actions = np.zeros((streams, capacity), np.uint8)
        self.rewards = np.zeros((streams, capacity), np.float32)
        self.flags = np.zeros((streams, capacity), np.uint8)
        self.written = np.zeros(streams, np.int64)  # entries ever written to each stream

    @property
    def nb_entries(self) -> int:
        """Entries held, over all streams."""
        return int(np.minimum(self.written, self.capacity).sum())

    @property
    def nbytes(self) -> int:
        """Bytes of all arrays, when full."""
        return sum(int(getattr(self, name).nbytes) for name in self.RINGS) + self.written.nbytes

    def append(
        self, observation: Any, action: int, reward: float, terminal: bool, training: bool = True
    ) -> None:
        """Stores one entry of a single game, as ``SequentialMemory.append`` does."""
        super().append(observation, action, reward, terminal, training=training)
        if training:
            flag = TERMINAL | BOUNDARY if terminal else 0
            self._write(0, observation, action, reward, flag)

    def append_steps(
        self,
        streams: NDArray[np.int64],
        observations: NDArray[np.uint8],
        actions: NDArray[Any],
        rewards: NDArray[Any],
        terminals: NDArray[np.bool_],
        boundaries: NDArray[np.bool_],
        final_observations: NDArray[np.uint8],
    ) -> None:
        """Stores one transition each of ``n`` streams.

        Args:
            streams: (n,) their numbers, all different.
            observations: (n, *observation) that was acted on.
            actions: (n,) what was done.
            rewards: (n,) what it gave.
            terminals: (n,) nothing follows: no bootstrap.
            boundaries: (n,) the episode ends here; true wherever ``terminals`` is.
            final_observations: (n, *observation), read where ``boundaries`` is true.
        """
        flags = terminals * TERMINAL | boundaries * BOUNDARY
        self._write(streams, observations, actions, rewards, flags)
        if boundaries.any():
            self._write(streams[boundaries], final_observations[boundaries], 0, 0.0, 0)

    def _write(
        self, streams: Any, observations: Any, actions: Any, rewards: Any, flags: Any
    ) -> None:
        at = self.written[streams] % self.capacity
        self.observations[streams, at] = observations
        self.actions[streams, at] = actions
        self.rewards[streams, at] = rewards
        self.flags[streams, at] = flags
        self.written[streams] += 1

    def sample(self, batch_size: int, batch_idxs: Any = None) -> list[Experience]:
        """Returns ``batch_size`` transitions as keras-rl2's agents take them.

        Args:
            batch_size: Number of transitions.
            batch_idxs: Indices as ``SequentialMemory.sample`` takes them (single stream), or None.
        """
        if batch_idxs is None:
            batch = self.sample_batches(1, batch_size).reshape(batch_size)
        else:
            indices = np.asarray(batch_idxs, np.int64) + 1
            batch = self.gather(np.zeros_like(indices), indices)
        return [
            Experience(list(window[:-1]), int(action), float(reward), list(window[1:]), bool(end))
            for window, action, reward, end in zip(*batch, strict=True)
        ]

    def sample_batches(self, nb_batches: int, batch_size: int) -> Batch:
        """Draws batches, each without replacement as keras-rl2 does.

        Returns:
            A ``Batch`` with leading axes (nb_batches, batch_size).

        Raises:
            ValueError: Fewer than window + 2 entries are held.
        """
        held = np.minimum(self.written, self.capacity)
        # keras-rl2 draws from [window + 1, held - 1]; index 0 is the oldest entry.
        choices = np.maximum(held - self.window_length - 1, 0)
        ends = np.cumsum(choices)
        if ends[-1] == 0:
            raise ValueError(
                f"the memory holds {held.sum()} entries: expected at least "
                f"{self.window_length + 2} to draw from"
            )
        draws = self._draw_distinct(int(ends[-1]), nb_batches, batch_size).ravel()
        streams, indices = self._located(draws, choices, ends)
        redraw = self._starts_after_an_end(streams, indices)
        while redraw.any():
            again = self.generator.integers(ends[-1], size=int(redraw.sum()))
            streams[redraw], indices[redraw] = self._located(again, choices, ends)
            redraw = self._starts_after_an_end(streams, indices)
        return self.gather(streams, indices).reshape(nb_batches, batch_size)

    def _draw_distinct(self, total: int, nb_batches: int, batch_size: int) -> NDArray[np.int64]:
        """(nb_batches, batch_size) integers below ``total``, no two in a row alike."""
        draws = self.generator.integers(total, size=(nb_batches, batch_size))
        if total < batch_size:
            return draws  # as keras-rl2: too few to be distinct
        ordered = np.sort(draws, axis=1)
        # A row with a repeat is drawn anew by a slower method of the same distribution.
        for row in np.flatnonzero((ordered[:, 1:] == ordered[:, :-1]).any(axis=1)):
            draws[row] = self.generator.choice(total, batch_size, replace=False)
        return draws

    def _located(
        self, draws: NDArray[np.int64], choices: NDArray[np.int64], ends: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Turns draws from all streams' choices into (stream, index in the stream)."""
        streams = np.searchsorted(ends, draws, side="right")
        indices = draws - (ends - choices)[streams] + self.window_length + 1
        return streams, indices

    def _positions(
        self, streams: NDArray[np.int64], indices: NDArray[np.int64]
    ) -> NDArray[np.int64]:
        """Positions in the flattened rings of the entries ``indices`` (n, ...) of ``streams``."""
        oldest = np.maximum(self.written - self.capacity, 0)[streams]
        base = streams * self.capacity
        if indices.ndim > 1:
            oldest, base = oldest[:, None], base[:, None]
        return base + (oldest + indices) % self.capacity

    def _starts_after_an_end(
        self, streams: NDArray[np.int64], indices: NDArray[np.int64]
    ) -> NDArray[np.bool_]:
        """Where state0 would end in a final observation, from which nothing was done."""
        before = self.flags.reshape(-1)[self._positions(streams, indices - 2)]
        ended: NDArray[np.bool_] = before & BOUNDARY != 0
        return ended

    def gather(self, streams: NDArray[np.int64], indices: NDArray[np.int64]) -> Batch:
        """Returns the transitions into the entries ``indices`` of ``streams``, both (n,).

        Entry ``i`` holds the last frame of state1, entry ``i - 1`` the last of state0 and what was
        done there. In the place of frames of an earlier episode is the padding.
        """
        window = self.window_length
        # (n, window + 1): entries i - window .. i
        at = self._positions(streams, indices[:, None] + np.arange(-window, 1))
        frames = self.observations.reshape(-1, *self.observation_shape).take(at, axis=0)
        if not self.ignore_episode_boundaries and window > 1:
            # Frame e is of an earlier episode if any of the entries e - 1 .. i - 3 is a boundary.
            earlier = self._positions(streams, indices[:, None] + np.arange(-window - 1, -2))
            ends = self.flags.reshape(-1)[earlier] & BOUNDARY
            if ends.any():
                outside = np.maximum.accumulate(ends[:, ::-1], axis=1)[:, ::-1] != 0
                if self.padding == "first":
                    rows, places = np.nonzero(outside)
                    frames[rows, places] = frames[rows, outside.sum(axis=1)[rows]]
                else:
                    frames[:, : window - 1][outside] = 0
        last = at[:, -2]
        return Batch(
            frames,
            self.actions.reshape(-1)[last].astype(np.int32),
            self.rewards.reshape(-1)[last],
            self.flags.reshape(-1)[last] & TERMINAL != 0,
        )

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {
            **super().get_config(),
            "limit": self.limit,
            "observation_shape": self.observation_shape,
            "streams": self.streams,
            "padding": self.padding,
        }
