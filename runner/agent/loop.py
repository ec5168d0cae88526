"""The training loop over parallel environments, with keras-rl2's callbacks and semantics.

A turn of one group of environments: one call computes the Q-values, the policy chooses actions, and
the emulators start. While they run, the learner makes the updates due at these steps on the
memory's current contents; afterwards the transitions are stored and reported one by one. With
several groups, the emulators of some run while another group's turn begins or ends. No data are
read while being written, so the same seed gives the same weights regardless of timing.
"""

from __future__ import annotations

import copy
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

import keras
import numpy as np
from numpy.typing import NDArray

from runner.agent.hooks import Hooks
from runner.keras_rl2 import TrainEpisodeLogger, TrainIntervalLogger
from runner.memory.replay import ReplayMemory
from runner.memory.windows import RunningWindows

if TYPE_CHECKING:
    from runner.agent.dqn import CompiledDQNAgent


def fit_vector(
    agent: CompiledDQNAgent,
    env: Any,
    nb_steps: int,
    *,
    callbacks: Sequence[Any] | None = None,
    verbose: int = 1,
    log_interval: int = 10000,
    checkpoints: Checkpoints | None = None,
) -> keras.callbacks.History:
    """Trains ``agent`` on the parallel environments of ``env``.

    Args:
        agent: Compiled, with a ``ReplayMemory`` of one stream per environment.
        env: A seeded vector environment with ``step_async``, ``step_wait`` and same-step resets; if
            it has ``groups`` (ranges of environments), these take turns.
        nb_steps: The step at which training ends, rounded up to whole turns.
        callbacks: keras-rl2 or Keras callbacks; ``on_step_end`` is called once per transition, an
            episode is a whole game. ``agent.stop_training = True`` ends training.
        verbose: 0 nothing, 1 keras-rl2's interval log, 2 its episode log.
        log_interval: Steps of an interval.
        checkpoints: Saves the session between turns and restores it at the start.

    Returns:
        A Keras History of the episodes.

    Raises:
        ValueError: The memory does not have one stream per environment.
    """
    loggers = {0: [], 1: [TrainIntervalLogger(interval=log_interval)]}
    history = keras.callbacks.History()
    listeners = [*(callbacks or ()), *loggers.get(verbose, [TrainEpisodeLogger()]), history]
    hooks = Hooks(listeners, agent, env, nb_steps)
    session = Session(agent, env, hooks)
    agent.training, agent.step = True, 0
    resumed = checkpoints is not None and checkpoints.restore(session)
    hooks("on_train_begin", logs={})
    try:
        if not resumed:
            session.reset()
        session.run(nb_steps, checkpoints)
        aborted = agent.stop_training
    except KeyboardInterrupt:  # as keras-rl2: Ctrl-C keeps the trained weights
        aborted = True
    hooks("on_train_end", logs={"did_abort": aborted})
    agent.training = agent.stop_training = False
    return history


class Checkpoints(Protocol):
    """Saves and restores a session."""

    def restore(self, session: Session) -> bool:
        """Restores a saved session into a new one; False if none was saved."""

    def between_turns(self, session: Session) -> None:
        """Saves the session if a checkpoint is due."""

    def save(self, session: Session) -> None:
        """Saves the session."""


@dataclass
class _Group:
    """Environments stepped together, and their step in progress."""

    number: int | None  # None: the environment has no groups, and its methods take no number
    streams: NDArray[np.int64]  # consecutive numbers
    first_step: int = 0
    actions: NDArray[np.int32] = field(default_factory=lambda: np.empty(0, np.int32))
    metrics: list[list[float]] = field(default_factory=list)  # of each transition

    @property
    def span(self) -> slice:
        return slice(int(self.streams[0]), int(self.streams[-1]) + 1)

    @property
    def named(self) -> list[int]:
        return [] if self.number is None else [self.number]


_EPISODES = ("episodes", "next_episode", "episode_steps", "episode_rewards")


class Session:
    """One run of the loop: the state of each environment."""

    def __init__(self, agent: CompiledDQNAgent, env: Any, hooks: Hooks) -> None:
        memory, num_envs = agent.memory, env.num_envs
        if not isinstance(memory, ReplayMemory) or memory.streams != num_envs:
            raise ValueError(f"memory: expected a ReplayMemory of {num_envs} streams")
        self.agent, self.env, self.memory, self.hooks = agent, env, memory, hooks
        self.windows = RunningWindows(
            num_envs, memory.window_length, memory.observation_shape, memory.padding
        )
        self.episodes = list(range(num_envs))  # episode number of each stream
        self.next_episode = num_envs
        self.episode_steps = [0] * num_envs
        self.episode_rewards = [0.0] * num_envs
        self.acted = 0  # steps begun; ``agent.step`` counts completed steps
        ranges = getattr(env, "groups", None) or ()
        self.idle = deque(
            [_Group(i, np.arange(r.start, r.stop)) for i, r in enumerate(ranges)]
            or [_Group(None, np.arange(num_envs))]
        )
        self.under_way: deque[_Group] = deque()

    def reset(self) -> None:
        """Resets all environments."""
        observations, _ = self.env.reset()
        self.windows.push(slice(None), self.agent.processing.observations(observations), True)

    def run(self, nb_steps: int, checkpoints: Checkpoints | None) -> None:
        """Acts and learns up to ``nb_steps``."""
        for episode in self.episodes:
            self.hooks("on_episode_begin", episode, logs={})
        self.acted = self.agent.step + sum(len(group.streams) for group in self.under_way)
        while len(self.idle) > 1:
            self._begin_turn(self.idle.popleft())
        while self.acted < nb_steps and not self.agent.stop_training:
            self._begin_turn(self.idle.popleft())
            self._end_turn(self.under_way.popleft())
            if checkpoints is not None:
                checkpoints.between_turns(self)
        # Saved with the last steps in progress: a resumed run then matches an uninterrupted one.
        if checkpoints is not None:
            checkpoints.save(self)
        while self.under_way and not self.agent.stop_training:
            self._end_turn(self.under_way.popleft())

    def get_state(self) -> dict[str, Any]:
        """Returns the state of each environment's stream, as plain types and arrays."""
        return {
            "windows": self.windows.states,
            **{name: copy.copy(getattr(self, name)) for name in _EPISODES},
            "idle": [group.number for group in self.idle],
            "under_way": [
                [group.number, group.first_step, group.actions, group.metrics]
                for group in self.under_way
            ],
        }

    def set_state(self, state: dict[str, Any]) -> None:
        """Restores the state returned by ``get_state``; ``env`` is restored separately."""
        self.windows.states[:] = state["windows"]
        for name in _EPISODES:
            setattr(self, name, state[name])
        groups = {group.number: group for group in [*self.idle, *self.under_way]}
        self.idle = deque(groups[number] for number in state["idle"])
        self.under_way = deque()
        for number, first_step, actions, metrics in state["under_way"]:
            group = groups[number]
            group.first_step, group.actions, group.metrics = first_step, actions, metrics
            self.under_way.append(group)

    def _begin_turn(self, group: _Group) -> None:
        """Acts in every environment of ``group``, and learns while the emulators run."""
        group.first_step = self.acted
        windows = self.windows.states[group.span]
        group.actions, policy_metrics = self.agent.act(windows, group.streams, self.acted)
        self.acted += len(group.streams)
        self.env.step_async(self.agent.processing.actions(group.actions), *group.named)
        group.metrics = self.agent.learn(group.first_step, policy_metrics)
        self.under_way.append(group)

    def _end_turn(self, group: _Group) -> None:
        """Waits for the emulators of ``group``, then stores and reports the transitions."""
        outcome = self.env.step_wait(*group.named)
        observations, points, terminated, truncated, infos = outcome
        observations = observations.copy()  # the emulators write to the original next turn
        ended = terminated | truncated
        seen, final, rewards = self.agent.processing.step(
            observations, infos["final_obs"], points.copy(), ended
        )
        if "extra_reward" in infos:  # added to the processed rewards
            rewards = rewards + infos["extra_reward"]
        terminals = terminated | infos["life_lost"]
        boundaries = terminals | truncated
        if boundaries.any():
            # After a lost life the game continues: the next episode starts with the same frame.
            game_goes_on = ~ended.reshape(-1, *[1] * (seen.ndim - 1))
            final = np.where(game_goes_on, seen, final)
        self.memory.append_steps(
            group.streams,
            self.windows.latest[group.span],
            group.actions,
            rewards,
            terminals,
            boundaries,
            final,
        )
        self.windows.push(group.span, seen, boundaries)
        frames = infos["frames"].tolist()
        told = zip(rewards.tolist(), points.tolist(), ended.tolist(), frames, strict=True)
        for i, (reward, game_reward, game_over, frame_count) in enumerate(told):
            info = {"game_reward": game_reward, "game_over": game_over, "frames": frame_count}
            if game_over:
                info["episode_return"] = float(infos["episode_return"][i])
                info["episode_length"] = int(infos["episode_length"][i])
            stream = int(group.streams[i])
            self.agent.step = group.first_step + i
            self.hooks("on_step_begin", self.episode_steps[stream], logs={})
            self.hooks("on_action_begin", group.actions[i], logs={})
            self.hooks("on_action_end", group.actions[i], logs={})
            logs = {
                "action": group.actions[i],
                "observation": observations[i],
                "reward": reward,
                "metrics": group.metrics[i],
                "episode": self.episodes[stream],
                "info": {**info, "stream": stream},
            }
            self.hooks("on_step_end", self.episode_steps[stream], logs=logs)
            self.episode_steps[stream] += 1
            self.episode_rewards[stream] += reward
            if game_over:
                self._end_episode(stream)
        self.agent.step = group.first_step + len(group.streams)
        self.idle.append(group)

    def _end_episode(self, stream: int) -> None:
        logs = {
            "episode_reward": self.episode_rewards[stream],
            "nb_episode_steps": self.episode_steps[stream],
            "nb_steps": self.agent.step + 1,
        }
        self.agent.game_ended(next_step=self.acted)
        self.hooks("on_episode_end", self.episodes[stream], logs=logs)
        self.episodes[stream] = self.next_episode
        self.next_episode += 1
        self.episode_steps[stream], self.episode_rewards[stream] = 0, 0.0
        self.hooks("on_episode_begin", self.episodes[stream], logs={})
