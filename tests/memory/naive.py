"""A reference replay memory of Python lists."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from runner.memory.replay import ReplayMemory


class Entry(NamedTuple):
    observation: tuple[int, int]
    action: int
    reward: float
    terminal: bool
    boundary: bool
    acted_on: bool  # False for the final observation of an episode
    episode: int


class Transition(NamedTuple):
    state0: list[tuple[int, int]]
    action: int
    reward: float
    state1: list[tuple[int, int]]
    discount: float


class NaiveMemory:
    """All entries by stream; the newest ``capacity`` per stream are held."""

    def __init__(self, streams: int, capacity: int, window: int) -> None:
        self.written: list[list[Entry]] = [[] for _ in range(streams)]
        self.capacity, self.window = capacity, window
        self._seen = 0

    def step(self, memories: list[ReplayMemory], streams: list[int], ends: list[str]) -> None:
        """Stores one step per stream here and in ``memories``.

        Args:
            memories: Compared with this one.
            streams: Indices of the streams.
            ends: How the step ends each stream's episode: ``terminal``, ``truncated`` or empty.
        """
        shown, final = [self._observe() for _ in streams], [self._observe() for _ in streams]
        actions = [self._seen % 7 + i for i in range(len(streams))]
        rewards = [float(self._seen % 5 - 2 + i) for i in range(len(streams))]
        for i, (stream, end) in enumerate(zip(streams, ends, strict=True)):
            entries = self.written[stream]
            episode = entries[-1].episode + (not entries[-1].acted_on) if entries else 0
            terminal, boundary = end == "terminal", end != ""
            entry = Entry(shown[i], actions[i], rewards[i], terminal, boundary, True, episode)
            entries.append(entry)
            if boundary:
                entries.append(Entry(final[i], 0, 0.0, False, False, False, episode))
        for memory in memories:
            memory.append_steps(
                np.array(streams),
                np.array(shown, np.uint8),
                np.array(actions),
                np.array(rewards),
                np.array([end == "terminal" for end in ends]),
                np.array([end != "" for end in ends]),
                np.array(final, np.uint8),
            )

    def held(self, stream: int) -> list[Entry]:
        return self.written[stream][-self.capacity :]

    def transition(
        self, stream: int, start: int, n_step: int, gamma: float, *, redraw: bool
    ) -> Transition | None:
        """The transition that starts at entry ``start``; None if it cannot be sampled."""
        entries = self.held(stream)
        # keras-rl2 samples only if the window and the entry before it are held.
        if start < self.window or not entries[start].acted_on:
            return None
        first_of_window = start - self.window + 1
        if redraw and entries[first_of_window].episode != entries[start].episode:
            return None
        reward, at = 0.0, start
        for k in range(n_step):
            reward += gamma**k * entries[at].reward
            at += 1
            if at == len(entries):
                return None
            if entries[at - 1].boundary:
                break
        terminal = entries[at - 1].terminal
        return Transition(
            self._state(entries, start),
            entries[start].action,
            reward,
            self._state(entries, at),
            0.0 if terminal else gamma ** (at - start),
        )

    def _state(self, entries: list[Entry], last: int) -> list[tuple[int, int]]:
        window = entries[last - self.window + 1 : last + 1]
        episode = entries[last].episode
        return [e.observation if e.episode == episode else (0, 0) for e in window]

    def _observe(self) -> tuple[int, int]:
        self._seen += 1
        return self._seen % 251 + 1, self._seen // 251 + 1


def transitions(batch: Any, window: int, gamma: float) -> list[Transition]:
    """The transitions of a batch with one leading axis."""
    return [
        Transition(
            [tuple(frame) for frame in frames[:window].tolist()],
            int(action),
            float(reward),
            [tuple(frame) for frame in frames[-window:].tolist()],
            float(discount),
        )
        for frames, action, reward, discount in zip(*batch[:3], batch.discounts(gamma), strict=True)
    ]
