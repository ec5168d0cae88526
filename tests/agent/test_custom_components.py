"""Processors, policies, layers and shaping rewards of users in the vector loop."""

from __future__ import annotations

import itertools
from typing import Any

import keras
import numpy as np
from agent.vector_training import NEVER, Steps, agent_of, tapes, trained
from toys import Arcade, Corridor, Tape, compiled_agent, small_network

from runner.agent.build import RewardClipper
from runner.keras_rl2 import EpsGreedyQPolicy as EpsGreedy
from runner.keras_rl2 import LinearAnnealedPolicy, Policy, Processor


class Clip(Processor):
    def process_reward(self, reward: float) -> float:
        return float(np.clip(reward, -1.0, 1.0))


class Halve(Processor):
    """Scales network inputs: half of the stored values."""

    def process_state_batch(self, batch: Any) -> Any:
        return np.asarray(batch) // 2


class Mirror(Processor):
    def process_observation(self, observation: Any) -> Any:
        return observation[::-1]

    def process_action(self, action: Any) -> Any:
        return 2 - action


class WholeStep(Processor):
    def process_step(self, observation: Any, reward: float, done: bool, info: Any) -> Any:
        return observation + 1, reward * 10, done, info


def test_processor_clips_learned_not_reported_rewards() -> None:
    env = Arcade([Tape({2: "terminated"}, rewards=(3.0, -7.0, 0.5))])
    agent, steps = trained(env, 3, nb_steps_warmup=NEVER, processor=Clip())
    assert [logs["reward"] for logs in steps.steps] == [1.0, -1.0, 0.5]
    assert [logs["info"]["game_reward"] for logs in steps.steps] == [3.0, -7.0, 0.5]
    assert steps.ended[0][1]["episode_reward"] == 0.0
    assert agent.memory.rewards[0, :4].tolist() == [1.0, -1.0, 0.0, 0.5]


def test_processor_changes_observations_and_actions() -> None:
    env = tapes({2: "terminated"})
    agent, _ = trained(env, 4, nb_steps_warmup=NEVER, processor=Mirror())
    # Frame numbers are last; each frame passed the processor once, including the final one.
    assert agent.memory.observations[0, :5].tolist() == [[0, 1], [0, 2], [0, 3], [0, 4], [0, 5]]
    actions = agent.memory.actions[0, [0, 1, 3, 4]]
    assert [a for (a,) in env.played] == (2 - actions.astype(int)).tolist()


def test_processor_process_step() -> None:
    env = tapes({2: "terminated"})
    agent, steps = trained(env, 4, nb_steps_warmup=NEVER, processor=WholeStep())
    assert [logs["reward"] for logs in steps.steps] == [10.0] * 4
    # As in keras-rl2, the first observation of an episode belongs to no step.
    assert agent.memory.observations[0, :5, 0].tolist() == [1, 3, 4, 4, 6]


def test_processor_scales_network_inputs() -> None:
    shown: list[Any] = []

    class Watch(Halve):
        def process_state_batch(self, batch: Any) -> Any:
            halved = super().process_state_batch(batch)
            shown.append(halved)
            return halved

    env = tapes({}, {})
    agent = agent_of(env, processor=Watch(), window=3)
    agent.fit(env, 50, verbose=0)
    assert agent.memory.observations[0, :5, 0].tolist() == [1, 2, 3, 4, 5]
    # The acting windows, and the training windows (window + 1 frames).
    assert shown[4][:, :, 0].tolist() == [[1, 2, 2]] * 2
    learned_from = shown[-1][..., 0].reshape(-1, shown[-1].shape[-2])
    assert learned_from.max() <= 25 // 2
    assert (np.diff(learned_from, axis=-1) <= 1).all()


def test_a_custom_policy() -> None:
    class InTurn(Policy):
        """Actions 0, 1, 2, 0, 1, 2, ... for any Q-values."""

        def select_action(self, q_values: Any) -> int:
            assert q_values.shape == (3,)
            return self.agent.step % 3

    env = tapes({}, {})
    agent, steps = trained(env, 12, policy=InTurn(), nb_steps_warmup=NEVER)
    assert list(itertools.chain(*env.played)) == [0, 1, 2] * 4
    assert [logs["action"] for logs in steps.steps] == [0, 1, 2] * 4
    assert agent.metrics_names == ["loss", "mean_q"]


def test_policy_metrics_are_reported_with_the_updates() -> None:
    policy = LinearAnnealedPolicy(EpsGreedy(), "eps", 1.0, 0.0, 0.0, nb_steps=100)
    agent, steps = trained(tapes({}, {}), 40, policy=policy, nb_steps_warmup=30)
    assert agent.metrics_names == ["loss", "mean_q", "mean_eps"]
    epsilons = [logs["metrics"][2] for logs in steps.steps[31:]]
    np.testing.assert_allclose(epsilons, 1.0 - np.arange(31, 40) / 100)


def test_greedy_play_takes_the_best_action_of_every_game() -> None:
    network = small_network(Corridor)
    network.set_weights([np.array([[0, 1], [1, 0], [0, 1], [1, 0], [0, 0]], np.float32)])
    env = Arcade([Corridor(first_cell=i) for i in range(4)])
    agent = compiled_agent(streams=4, model=network, policy=EpsGreedy(0.0), nb_steps_warmup=NEVER)
    agent.fit(env, 4, verbose=0)
    assert env.played == [[1, 0, 1, 0]]


class Telling(Arcade):
    """Adds a shaping reward at every third step."""

    def step_wait(self) -> Any:
        *outcome, infos = super().step_wait()
        extra = np.where(len(self.played) % 3 == 0, -2.5, 0.0)
        return *outcome, {**infos, "extra_reward": np.full(self.num_envs, extra)}


def test_shaping_rewards_are_added_to_clipped_rewards() -> None:
    env = Telling([Tape({}, rewards=(4.0, -7.0))])
    agent = agent_of(env, processor=RewardClipper(1.0))
    steps = Steps()
    agent.fit(env, nb_steps=6, callbacks=[steps], verbose=0)
    expected = [1.0, -1.0, 1.0 - 2.5, -1.0, 1.0, -1.0 - 2.5]
    assert agent.memory.rewards[0, :6].tolist() == expected
    assert [log["reward"] for log in steps.steps] == expected
    assert [log["info"]["game_reward"] for log in steps.steps] == [4.0, -7.0] * 3


def test_a_resumed_agent_continues_the_random_numbers_of_the_users_layers() -> None:
    def agent_with_dropout() -> Any:
        inputs = keras.Input((1, *Corridor.SHAPE), dtype="uint8")
        x = keras.layers.Flatten()(keras.layers.Rescaling(1.0)(inputs))
        x = keras.layers.Dropout(0.5)(keras.layers.Dense(32)(x))
        model = keras.Model(inputs, keras.layers.Dense(Corridor.NB_ACTIONS)(x))
        return compiled_agent(streams=4, model=model)

    first, resumed = agent_with_dropout(), agent_with_dropout()
    first.fit(Arcade([Corridor(first_cell=i) for i in range(4)]), 100, verbose=0)
    resumed.set_state(first.get_state())
    batches = first.memory.sample_batches(2, 8)
    for agent in (first, resumed):
        agent.learner.update(batches, np.zeros(3, np.bool_))
    for ours, theirs in zip(first.model.get_weights(), resumed.model.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)
