"""Training on many games at once, driven as keras-rl2 drives one.

One turn: all games' Q-values in one call, the policy picks the actions, the emulators start; while
they run, the learner makes the updates that these steps call for, on what memory held before them;
then the transitions are stored and reported one by one. Nothing reads what something else is
writing, so that the same seed gives the same weights, whatever the timing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
from numpy.typing import NDArray

from runner.keras_rl2 import Callback, Processor, TrainEpisodeLogger, TrainIntervalLogger
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
) -> keras.callbacks.History:
    """Trains ``agent`` on all games of ``env`` at once.

    Args:
        agent: Compiled, with a ``ReplayMemory`` of one stream per game.
        env: A vector environment with ``step_async`` and ``step_wait`` and resets in the same step.
        nb_steps: The step at which training ends, rounded up to whole turns of ``env.num_envs``.
        callbacks: keras-rl2 or Keras callbacks; ``on_step_end`` comes once per transition, an
            episode is a whole game.
        verbose: 0 nothing, 1 keras-rl2's interval log, 2 its episode log.
        log_interval: Steps of an interval.

    Returns:
        A Keras History of the episodes.
    """
    loggers = {0: [], 1: [TrainIntervalLogger(interval=log_interval)]}
    history = keras.callbacks.History()
    listeners = [*(callbacks or ()), *loggers.get(verbose, [TrainEpisodeLogger()]), history]
    for listener in listeners:
        listener.set_model(agent)
        listener.set_params({"nb_steps": nb_steps})
        if isinstance(listener, Callback):
            listener._set_env(env)
    session = _Session(agent, env, listeners)
    aborted = False
    agent.training, agent.stop_training = True, False
    session.tell("on_train_begin", logs={})
    try:
        session.begin()
        while agent.step < nb_steps and not agent.stop_training:
            session.turn()
        aborted = agent.stop_training
    except KeyboardInterrupt:  # as keras-rl2: whoever presses Ctrl-C keeps what was learned
        aborted = True
    session.tell("on_train_end", logs={"did_abort": aborted})
    agent.training = False
    return history


class _Session:
    """One run of the loop: where each game stands."""

    def __init__(self, agent: CompiledDQNAgent, env: Any, listeners: Sequence[Any]) -> None:
        memory = agent.memory
        if not isinstance(memory, ReplayMemory) or memory.streams != env.num_envs:
            raise ValueError(f"memory: expected a ReplayMemory of {env.num_envs} streams")
        self.agent, self.env, self.memory = agent, env, memory
        self.num_envs = env.num_envs
        self.hooks = {name: _overridden(listeners, name) for name in _FALLBACKS}
        self.windows = RunningWindows(env.num_envs, memory.window_length, memory.observation_shape)
        self.process = _Processing(agent.processor)
        self.episodes = list(range(env.num_envs))  # number of the game each stream plays
        self.next_episode = env.num_envs
        self.episode_steps = [0] * env.num_envs
        self.episode_rewards = [0.0] * env.num_envs
        agent.step = 0

    def tell(self, hook: str, *args: Any, **kwargs: Any) -> None:
        for method in self.hooks[hook]:
            method(*args, **kwargs)

    def begin(self) -> None:
        """Starts the first game of every stream."""
        observations, _ = self.env.reset()
        self.windows.push(self.process.observations(observations), True)
        for episode in self.episodes:
            self.tell("on_episode_begin", episode, logs={})

    def turn(self) -> None:
        """One step of every game, and the updates that belong to these steps."""
        agent, first = self.agent, self.agent.step
        q_values = agent.batch_q_values(self.process.states(self.windows.states))
        actions, policy_metrics = self._choose(q_values, first)
        self.env.step_async(self.process.actions(actions))
        updates = self._learn(first)
        outcome = self.env.step_wait()
        observations, rewards, terminated, truncated, infos = outcome
        observations = observations.copy()  # the emulators write to the original next turn
        ended = terminated | truncated
        stored_rewards, seen, final = self.process.step(observations, rewards, ended, infos)
        terminals = terminated | infos["life_lost"]
        boundaries = terminals | truncated
        # After a lost life the game goes on: the next episode starts with the same observation.
        final = np.where(_as_column(ended, final), final, seen) if boundaries.any() else final
        self.memory.append_steps(
            self.windows.latest, actions, stored_rewards, terminals, boundaries, final
        )
        self.windows.push(seen, boundaries)
        metrics = self._metrics_of(updates, policy_metrics)
        for i in range(self.num_envs):
            agent.step = first + i
            if self.hooks["on_action_end"]:
                self.tell("on_action_end", actions[i], logs={})
            self._report(i, actions[i], observations[i], stored_rewards[i], metrics[i], outcome)
        agent.step = first + self.num_envs

    def _choose(
        self, q_values: NDArray[np.float32], first: int
    ) -> tuple[NDArray[np.int32], list[list[float]]]:
        agent, policy = self.agent, self.agent.policy
        actions = np.empty(self.num_envs, np.int32)
        metrics = []
        for i in range(self.num_envs):
            agent.step = first + i  # annealed policies read it
            if self.hooks["on_step_begin"]:
                self.tell("on_step_begin", self.episode_steps[i], logs={})
            actions[i] = policy.select_action(q_values=q_values[i])
            metrics.append(policy.metrics)
            if self.hooks["on_action_begin"]:
                self.tell("on_action_begin", actions[i], logs={})
        return actions, metrics

    def _learn(self, first: int) -> dict[int, tuple[float, float]]:
        """Makes the updates of steps ``first`` to ``first + num_envs - 1``.

        Returns:
            Loss and mean_q of each, by the game whose step called for it.
        """
        agent = self.agent
        due: list[int] = []
        syncs = np.zeros(self.num_envs + 1, np.bool_)
        for i in range(self.num_envs):
            if agent.is_update_due(first + i):
                due.append(i)
            syncs[len(due)] |= agent.is_sync_due(first + i)
        if not due:
            if syncs[0]:
                agent.learner.sync()
            return {}
        batches = self.memory.sample_batches(len(due), agent.batch_size)
        batches = batches._replace(windows=self.process.windows(batches.windows))
        losses, mean_q = agent.learner.update(batches, syncs[: len(due) + 1])
        return dict(zip(due, zip(losses.tolist(), mean_q.tolist(), strict=True), strict=True))

    def _metrics_of(
        self, updates: dict[int, tuple[float, float]], policy_metrics: list[list[float]]
    ) -> list[list[float]]:
        """The metrics of each transition, named by ``agent.metrics_names``; NaN: no update."""
        processor = self.agent.processor
        own = [] if processor is None else processor.metrics
        none = [float("nan")] * len(self.agent.metrics_names)
        return [
            [*updates[i], *policy_metrics[i], *own] if i in updates else none
            for i in range(self.num_envs)
        ]

    def _report(
        self,
        i: int,
        action: np.int32,
        observation: NDArray[np.uint8],
        reward: float,
        metrics: list[float],
        outcome: tuple[Any, ...],
    ) -> None:
        """Tells the listeners of one transition and, where a game ended, of that."""
        _, rewards, terminated, truncated, infos = outcome
        ended = bool(terminated[i] or truncated[i])
        logs = {
            "action": action,
            "observation": observation,
            "reward": reward,
            "metrics": metrics,
            "episode": self.episodes[i],
            "info": {
                "game_reward": float(rewards[i]),
                "game_over": ended,
                "frames": int(infos["frames"][i]),
                "stream": i,
            },
        }
        self.tell("on_step_end", self.episode_steps[i], logs=logs)
        self.episode_steps[i] += 1
        self.episode_rewards[i] += reward
        if not ended:
            return
        episode_logs = {
            "episode_reward": self.episode_rewards[i],
            "nb_episode_steps": self.episode_steps[i],
            "nb_steps": self.agent.step + 1,
        }
        self.tell("on_episode_end", self.episodes[i], logs=episode_logs)
        self.episodes[i], self.next_episode = self.next_episode, self.next_episode + 1
        self.episode_steps[i], self.episode_rewards[i] = 0, 0.0
        self.tell("on_episode_begin", self.episodes[i], logs={})


class _Processing:
    """What the user's keras-rl2 processor changes, and nothing else."""

    def __init__(self, processor: Processor | None) -> None:
        self.processor: Any = processor  # None: then nothing below calls it
        self.whole_steps = _overrides(processor, "process_step")
        self.sees = self.whole_steps or _overrides(processor, "process_observation")
        self.rewards = self.whole_steps or _overrides(processor, "process_reward")
        self.acts = _overrides(processor, "process_action")
        self.scales = _overrides(processor, "process_state_batch")

    def observations(self, observations: NDArray[Any]) -> NDArray[Any]:
        if not self.sees:
            return observations
        return np.stack([self.processor.process_observation(o) for o in observations])

    def actions(self, actions: NDArray[np.int32]) -> NDArray[np.int32]:
        if not self.acts:
            return actions
        return np.array([self.processor.process_action(a) for a in actions], np.int32)

    def states(self, states: NDArray[Any]) -> NDArray[Any]:
        return self.processor.process_state_batch(states) if self.scales else states

    def windows(self, windows: NDArray[Any]) -> NDArray[Any]:
        """Sampled windows (K, B, window + 1, ...): both states at once, element by element."""
        if not self.scales:
            return windows
        flat = windows.reshape(-1, *windows.shape[2:])
        return np.asarray(self.processor.process_state_batch(flat)).reshape(windows.shape)

    def step(
        self,
        observations: NDArray[Any],
        rewards: NDArray[Any],
        ended: NDArray[np.bool_],
        infos: dict[str, Any],
    ) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
        """Returns rewards to learn from, next observations, and those where games ended."""
        final = infos["final_obs"]
        if self.whole_steps:
            steps = [
                self.processor.process_step(final[i] if end else observations[i], r, bool(end), {})
                for i, (r, end) in enumerate(zip(rewards, ended, strict=True))
            ]
            seen = np.stack([step[0] for step in steps])
            final = seen.copy()
            if ended.any():
                seen[ended] = self.observations(observations[ended])
            return np.array([step[1] for step in steps]), seen, final
        if self.rewards:
            rewards = np.array([self.processor.process_reward(r) for r in rewards])
        else:
            rewards = rewards.copy()
        if self.sees:
            return rewards, self.observations(observations), self.observations(final)
        return rewards, observations, final


def _as_column(flags: NDArray[np.bool_], like: NDArray[Any]) -> NDArray[np.bool_]:
    return flags.reshape(-1, *[1] * (like.ndim - 1))


def _overrides(processor: Processor | None, method: str) -> bool:
    return processor is not None and getattr(type(processor), method) is not getattr(
        Processor, method
    )


# Each hook, and the Keras hook that callbacks without it are told instead (as keras-rl2 does).
_FALLBACKS = {
    "on_train_begin": None,
    "on_train_end": None,
    "on_episode_begin": "on_epoch_begin",
    "on_episode_end": "on_epoch_end",
    "on_step_begin": "on_batch_begin",
    "on_step_end": "on_batch_end",
    "on_action_begin": None,
    "on_action_end": None,
}


def _overridden(listeners: Sequence[Any], hook: str) -> list[Callable[..., None]]:
    """The listeners' own methods for ``hook``: calling the base's empty one costs as much."""
    methods = []
    for listener in listeners:
        name = hook if hasattr(listener, hook) else _FALLBACKS[hook]
        if name is None:
            continue
        method = getattr(type(listener), name)
        bases = (getattr(base, name, None) for base in (Callback, keras.callbacks.Callback))
        if all(method is not base for base in bases):
            methods.append(getattr(listener, name))
    return methods
