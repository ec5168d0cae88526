"""Ring buffers of observations, actions, rewards and flags, one per environment.

Each environment writes to its own ring (a stream). An *entry* is an observation, the action taken
there and its reward; its *index* counts from the oldest entry held.

At the end of an episode, as in keras-rl2, the last transition is marked as a boundary and one more
entry holds the final observation, so that the next state of that transition exists. That entry is
never the start of a sampled transition.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Final

import numpy as np
from numpy.typing import NDArray

TERMINAL: Final = 1  # the next state is terminal: do not bootstrap
BOUNDARY: Final = 2  # the episode ends here (terminal or truncated): windows stop


@dataclass(eq=False, repr=False)
class Rings:
    """Rings of ``capacity`` entries, one for each of ``streams`` environments."""

    RINGS: ClassVar = ("observations", "actions", "rewards", "flags")  # (streams, capacity, ...)

    streams: int
    capacity: int  # of one stream
    observation_shape: tuple[int, ...]

    def __post_init__(self) -> None:
        shape = (self.streams, self.capacity)
        # np.zeros allocates no memory until it is written to.
        self.observations = np.zeros((*shape, *self.observation_shape), np.uint8)
        self.actions = np.zeros(shape, np.uint8)
        self.rewards = np.zeros(shape, np.float32)
        self.flags = np.zeros(shape, np.uint8)
        self.written = np.zeros(self.streams, np.int64)  # entries ever written to each stream

    @property
    def held(self) -> NDArray[np.int64]:
        """(streams,): entries held in each stream."""
        return np.minimum(self.written, self.capacity)

    @property
    def nb_entries(self) -> int:
        """Entries held, over all streams."""
        return int(self.held.sum())

    @property
    def nbytes(self) -> int:
        """Bytes of all arrays when full."""
        return sum(int(getattr(self, name).nbytes) for name in self.RINGS) + self.written.nbytes

    def write(
        self, streams: Any, observations: Any, actions: Any, rewards: Any, flags: Any
    ) -> None:
        """Writes one entry to each of ``streams``: a number, or (n,) distinct numbers."""
        at = self.written[streams] % self.capacity
        self.observations[streams, at] = observations
        self.actions[streams, at] = actions
        self.rewards[streams, at] = rewards
        self.flags[streams, at] = flags
        self.written[streams] += 1

    def positions(
        self, streams: NDArray[np.int64], indices: NDArray[np.int64]
    ) -> NDArray[np.int64]:
        """Positions in the flattened rings of the entries ``indices`` (n, ...) of ``streams``."""
        oldest = np.maximum(self.written - self.capacity, 0)[streams]
        base = streams * self.capacity
        if indices.ndim > 1:
            oldest, base = oldest[:, None], base[:, None]
        return base + (oldest + indices) % self.capacity

    def is_boundary(self, positions: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Whether an episode ends at the entries at ``positions`` (n, ...)."""
        return np.asarray(self.flags.reshape(-1)[positions] & BOUNDARY != 0)
