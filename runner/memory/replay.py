"""Replay memory on uint8 ring buffers, with keras-rl2's sampling.

For the same stored steps and indices it returns the same transitions as keras-rl2's
``SequentialMemory``, at a cost independent of its size.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from runner.errors import RunError
from runner.keras_rl2 import Experience, Memory
from runner.memory.batch import Batch
from runner.memory.priorities import Priorities, Prioritization
from runner.memory.rings import BOUNDARY, TERMINAL
from runner.memory.transitions import Transitions

ROUNDS = 64  # redraws before searching for drawable transitions


class ReplayMemory(Memory, Transitions):  # type: ignore[misc]
    """keras-rl2 memory of uint8 observations.

    Args:
        limit: Capacity over all streams; rounded down to a multiple of ``streams``.
        window_length: Observations in a state.
        observation_shape: Shape of one uint8 observation.
        streams: Number of parallel environments that write, each in order.
        ignore_episode_boundaries: Let windows reach into the previous episode, as in keras-rl2.
        seed: Seed of the generator that draws the indices.
        padding: Fills windows at the start of an episode: ``zeros``, or its ``first`` frame.
        n_step: Steps of a return; fewer if the episode ends earlier, terminal or truncated.
        gamma: Discount per step inside a return; required if ``n_step`` is above 1.
        redraw_at_borders: Never draw a state whose window begins before its episode.
        prioritization: Draw in proportion to errors; None: uniformly.

    Raises:
        ValueError: ``limit`` is too small for one transition per stream, or ``gamma`` is missing.
    """

    def __init__(
        self,
        limit: int,
        window_length: int,
        observation_shape: Sequence[int],
        streams: int = 1,
        ignore_episode_boundaries: bool = False,
        seed: int | None = None,
        padding: str = "zeros",
        n_step: int = 1,
        gamma: float | None = None,
        redraw_at_borders: bool = False,
        prioritization: Prioritization | None = None,
    ) -> None:
        Memory.__init__(self, window_length, ignore_episode_boundaries)
        capacity = limit // streams
        if capacity < window_length + n_step + 1:
            raise ValueError(
                f"limit={limit}: expected at least {streams * (window_length + n_step + 1)} entries"
            )
        Transitions.__init__(
            self, streams, capacity, tuple(observation_shape),
            window_length, ignore_episode_boundaries, padding, n_step, gamma,
        )  # fmt: skip
        self.limit = limit
        self.generator = np.random.default_rng(seed)
        self.redraw_at_borders = redraw_at_borders
        self.prioritization = prioritization
        self.priorities: Priorities | None = None  # at the entries where actions were taken
        if prioritization is not None:
            self.priorities = Priorities(streams * capacity, prioritization)

    @property
    def nbytes(self) -> int:
        """Bytes of all arrays, when full."""
        return super().nbytes + (0 if self.priorities is None else self.priorities.nbytes)

    def append(
        self, observation: Any, action: int, reward: float, terminal: bool, training: bool = True
    ) -> None:
        """Stores one entry of a single environment, as ``SequentialMemory.append`` does."""
        super().append(observation, action, reward, terminal, training=training)
        if training:
            flag = TERMINAL | BOUNDARY if terminal else 0
            self._write(0, observation, action, reward, flag)
            self._count_steps(1)

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
            streams: (n,) distinct stream numbers.
            observations: (n, *observation) in which the actions were taken.
            actions: (n,) actions taken.
            rewards: (n,) rewards.
            terminals: (n,) whether the transition is terminal: no bootstrap.
            boundaries: (n,) the episode ends here; true wherever ``terminals`` is.
            final_observations: (n, *observation), read where ``boundaries`` is true.
        """
        flags = terminals * TERMINAL | boundaries * BOUNDARY
        self._write(streams, observations, actions, rewards, flags)
        if boundaries.any():
            self._write(streams[boundaries], final_observations[boundaries], 0, 0.0, 0)
        self._count_steps(len(streams))

    def _count_steps(self, count: int) -> None:
        if self.priorities is not None:
            self.priorities.step += count

    def _write(self, streams: Any, *entries: Any) -> None:
        """Makes newly completed transitions drawable by priority, and overwritten ones not."""
        self.write(streams, *entries)
        if self.priorities is None:
            return
        streams = np.atleast_1d(streams)
        held = self.held[streams]
        completed = held[:, None] - np.arange(1, self.n_step + 1)
        without_window = np.full((len(streams), 1), self.window_length)
        indices = np.concatenate([completed, without_window], axis=1)
        streams = np.repeat(streams, indices.shape[1])
        indices = indices.ravel()
        drawable = (indices > self.window_length) & ~self.refused(streams, indices)
        self.priorities.add(self.positions(streams, indices - 1), drawable)

    def sample(self, batch_size: int, batch_idxs: Any = None) -> list[Experience]:
        """Returns ``batch_size`` transitions in keras-rl2's format.

        Args:
            batch_size: Number of transitions.
            batch_idxs: Indices as ``SequentialMemory.sample`` takes them (single stream), or None.
        """
        if batch_idxs is None:
            batch = self.sample_batches(1, batch_size).reshape(batch_size)
        else:
            indices = np.asarray(batch_idxs, np.int64) + 1
            batch = self.gather(np.zeros_like(indices), indices)
        window = self.window_length
        return [
            Experience(list(w[:window]), int(action), float(reward), list(w[-window:]), bool(end))
            for w, action, reward, end in zip(*batch[:4], strict=True)
        ]

    def sample_batches(self, nb_batches: int, batch_size: int) -> Batch:
        """Draws batches: uniformly, each without replacement as keras-rl2, or by priority.

        All batches are drawn together: errors on the first batch do not yet change the
        priorities used for the others.

        Returns:
            A ``Batch`` with leading axes (nb_batches, batch_size).

        Raises:
            ValueError: Fewer than window + 2 entries are held.
            RunError: No transition held may be drawn.
        """
        held = self.held
        # keras-rl2 draws from [window + 1, held - 1]; index 0 is the oldest entry.
        choices = np.maximum(held - self.window_length - 1, 0)
        ends = np.cumsum(choices)
        if ends[-1] == 0:
            raise ValueError(
                f"the memory holds {held.sum()} entries: expected at least "
                f"{self.window_length + 2} to draw from"
            )
        if self.priorities is not None:
            return self._sample_by_priority(self.priorities, nb_batches, batch_size)
        draws = self._draw_distinct(int(ends[-1]), nb_batches, batch_size).ravel()
        streams, indices = self._located(draws, choices, ends)
        refused = np.flatnonzero(self.refused(streams, indices))
        rounds = 0
        while refused.size:
            rounds += 1
            if rounds <= ROUNDS:
                again = self.generator.integers(ends[-1], size=refused.size)
            else:  # few transitions are drawable, or none
                drawable = self._drawable(choices, ends)
                again = drawable[self.generator.integers(drawable.size, size=refused.size)]
            streams[refused], indices[refused] = self._located(again, choices, ends)
            refused = refused[self.refused(streams[refused], indices[refused])]
        return self.gather(streams, indices).reshape(nb_batches, batch_size)

    def _sample_by_priority(
        self, priorities: Priorities, nb_batches: int, batch_size: int
    ) -> Batch:
        places, weights = priorities.draw(self.generator, nb_batches, batch_size)
        if not places.size:
            raise self._nothing_to_draw()
        streams, slots = np.divmod(places.ravel(), self.capacity)
        oldest = np.maximum(self.written - self.capacity, 0)[streams]
        batch = self.gather(streams, (slots - oldest) % self.capacity + 1)
        batch = batch.reshape(nb_batches, batch_size)
        return batch._replace(indices=places, weights=weights)

    def update_priorities(self, indices: NDArray[np.int64], errors: NDArray[Any]) -> None:
        """Sets the priorities of drawn transitions.

        Args:
            indices: ``indices`` of the last batches drawn. No steps may be stored in between.
            errors: Of the same shape: their TD errors, or other values that set the priority. If a
                transition was drawn more than once, the last error counts.

        Raises:
            ValueError: The memory has no priorities.
        """
        if self.priorities is None:
            raise ValueError("update_priorities: expected a memory made with prioritization")
        self.priorities.update(indices, errors)

    def _draw_distinct(self, total: int, nb_batches: int, batch_size: int) -> NDArray[np.int64]:
        """(nb_batches, batch_size) integers below ``total``, distinct within each row."""
        draws = self.generator.integers(total, size=(nb_batches, batch_size))
        if total < batch_size:
            return draws  # as keras-rl2: too few to be distinct
        ordered = np.sort(draws, axis=1)
        # A row with a repeat is redrawn by a slower method with the same distribution.
        for row in np.flatnonzero((ordered[:, 1:] == ordered[:, :-1]).any(axis=1)):
            draws[row] = self.generator.choice(total, batch_size, replace=False)
        return draws

    def _located(
        self, draws: NDArray[np.int64], choices: NDArray[np.int64], ends: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Maps draws over the choices of all streams to (stream, index in the stream)."""
        streams = np.searchsorted(ends, draws, side="right")
        indices = draws - (ends - choices)[streams] + self.window_length + 1
        return streams, indices

    def refused(self, streams: NDArray[np.int64], indices: NDArray[np.int64]) -> NDArray[np.bool_]:
        """(n,): whether each transition may not be drawn.

        A transition is refused if its state0 ends in a final observation, in which no action was
        taken; with ``redraw_at_borders``, if its state0 reaches into the previous episode; or if
        its return is not yet complete.
        """
        if self.redraw_at_borders:
            window = indices[:, None] + np.arange(-self.window_length - 1, -1)
            refused = np.asarray(self.is_boundary(self.positions(streams, window)).any(axis=1))
        else:
            refused = self.is_boundary(self.positions(streams, indices - 2))
        if self.n_step > 1:
            refused |= indices - 1 + self.steps(streams, indices) >= self.held[streams]
        return refused

    def _drawable(self, choices: NDArray[np.int64], ends: NDArray[np.int64]) -> NDArray[np.int64]:
        """All draws (see ``_located``) that are not refused.

        Raises:
            RunError: Every draw is refused.
        """
        draws = np.arange(ends[-1])
        draws = draws[~self.refused(*self._located(draws, choices, ends))]
        if not draws.size:
            raise self._nothing_to_draw()
        return draws

    def _nothing_to_draw(self) -> RunError:
        least = self.window_length if self.redraw_at_borders else 1
        return RunError(
            f"none of the {self.nb_entries} entries of the replay memory can be drawn: expected "
            f"episodes of at least {least} step(s)"
            + (" with memory.border=redraw" if self.redraw_at_borders else "")
            + (f", and {self.n_step} steps after one" if self.n_step > 1 else "")
        )

    def get_state(self) -> dict[str, Any]:
        """Returns the state of the draws without the entries, as plain types and arrays."""
        priorities = None if self.priorities is None else self.priorities.get_state()
        return {"generator": self.generator.bit_generator.state, "priorities": priorities}

    def set_state(self, state: dict[str, Any]) -> None:
        """Restores the state returned by ``get_state``; the entries are restored before."""
        self.generator.bit_generator.state = state["generator"]
        if self.priorities is not None:
            self.priorities.set_state(state["priorities"])

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        own = (
            "limit", "observation_shape", "streams", "padding", "n_step", "gamma",
            "redraw_at_borders", "prioritization",
        )  # fmt: skip
        return {**super().get_config(), **{name: getattr(self, name) for name in own}}
