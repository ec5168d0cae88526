"""Training on parallel environments follows keras-rl2's training on one."""

from __future__ import annotations

import itertools
from typing import Any

import keras
import numpy as np
import pytest
from toys import Arcade, Corridor, OldGym, Tape, compiled_agent, small_agent, small_network

from runner.agent.build import RewardClipper
from runner.keras_rl2 import Callback, DQNAgent, LinearAnnealedPolicy, Policy, Processor
from runner.keras_rl2 import EpsGreedyQPolicy as EpsGreedy
from runner.memory.replay import ReplayMemory

NEVER = 10**9


class Recorder(Callback):
    """Records every call in order."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[tuple[str, Any, Any]] = []


def _writer(name: str) -> Any:
    def write(self: Recorder, index: Any = None, logs: Any = None) -> None:
        self.calls.append((name, index, logs))

    return write


for _hook, _moment in itertools.product(("episode", "step", "action"), ("begin", "end")):
    setattr(Recorder, f"on_{_hook}_{_moment}", _writer(f"{_hook} {_moment}"))


class Steps(Callback):
    """Keeps the logs of every step and episode."""

    def __init__(self) -> None:
        super().__init__()
        self.steps: list[dict[str, Any]] = []
        self.counts: list[int] = []
        self.begun: list[int] = []
        self.ended: list[tuple[int, dict[str, Any]]] = []
        self.events: list[tuple[str, int]] = []

    def on_episode_begin(self, episode: int, logs: Any = None) -> None:
        self.begun.append(episode)
        self.events.append(("begin", episode))

    def on_episode_end(self, episode: int, logs: Any = None) -> None:
        self.ended.append((episode, logs))
        self.events.append(("end", episode))

    def on_step_end(self, step: int, logs: Any = None) -> None:
        self.steps.append(logs)
        self.counts.append(step)
        self.events.append(("step", logs["episode"]))


def tapes(*ends: dict[int, str]) -> Arcade:
    return Arcade([Tape(end) for end in ends])


def agent_of(env: Arcade, **settings: Any) -> Any:
    return compiled_agent(Tape, streams=env.num_envs, **settings)


def trained(env: Arcade, nb_steps: int, **settings: Any) -> tuple[Any, Steps]:
    agent, steps = agent_of(env, **settings), Steps()
    agent.fit(env, nb_steps, callbacks=[steps], verbose=0)
    return agent, steps


# --- timing of updates and syncs ------------------------------------------------------------


def due_by_keras_rl2(nb_steps: int, warmup: int, interval: int, target: int) -> list[str]:
    """U: an update, S: a sync of the target network; repeated syncs are left out."""
    events = []
    for step in range(nb_steps):
        if step > warmup and step % interval == 0:
            events.append(f"U{step}")
        if step % target == 0:
            events.append("S")
    return collapsed(events)


def collapsed(events: list[str]) -> list[str]:
    return [event for event, previous in zip(events, [None, *events], strict=False)
            if (event, previous) != ("S", "S")]  # fmt: skip


def spied(agent: Any) -> list[str]:
    """Records the agent's updates and syncs in order."""
    events: list[str] = []
    call, sync = agent.learner.call, agent.learner.sync

    def spy_on_call(batches: Any, policy_parameter: float) -> Any:
        events.extend(["U"] * len(batches.actions))
        return call(batches, policy_parameter)

    def spy_on_sync() -> None:
        events.append("S")
        sync()

    agent.learner.call, agent.learner.sync = spy_on_call, spy_on_sync
    return events


@pytest.mark.parametrize("num_envs", [1, 4, 5])
@pytest.mark.parametrize(
    ("interval", "target", "warmup"), [(1, 7, 21), (3, 10, 24), (4, 4, 30), (4, 10, 25), (7, 3, 20)]
)
def test_updates_and_syncs_at_the_steps_of_keras_rl2(
    num_envs: int, interval: int, target: int, warmup: int
) -> None:
    env = tapes(*[{}] * num_envs)
    agent, steps = agent_of(
        env, train_interval=interval, target_model_update=target, nb_steps_warmup=warmup
    ), Steps()  # fmt: skip
    events = spied(agent)
    agent.fit(env, 60, callbacks=[steps], verbose=0)
    expected = due_by_keras_rl2(60, warmup, interval, target)
    assert collapsed(events) == [event[0] for event in expected]
    # The metrics of a transition are those of the update due at its step, or NaN.
    reported = [n for n, logs in enumerate(steps.steps) if not np.isnan(logs["metrics"]).any()]
    assert reported == [int(event[1:]) for event in expected if event != "S"]
    unreported = [logs["metrics"] for n, logs in enumerate(steps.steps) if n not in reported]
    assert np.isnan(unreported).all()


@pytest.mark.parametrize(("interval", "target", "warmup"), [(1, 7, 21), (4, 10, 25)])
def test_recorded_steps_match_keras_rl2(interval: int, target: int, warmup: int) -> None:
    agent = small_agent(
        DQNAgent, Tape, train_interval=interval, target_model_update=target, nb_steps_warmup=warmup
    )
    events: list[str] = []
    train, sync = agent.trainable_model.train_on_batch, agent.update_target_model_hard

    def spy_on_update(*args: Any) -> Any:
        events.append(f"U{agent.step}")
        return train(*args)

    def spy_on_sync() -> None:
        events.append("S")
        sync()

    agent.trainable_model.train_on_batch = spy_on_update
    agent.update_target_model_hard = spy_on_sync
    agent.fit(OldGym(Tape({})), 60, verbose=0)
    assert collapsed(events) == due_by_keras_rl2(60, warmup, interval, target)


def test_the_last_turn_is_completed() -> None:
    agent, steps = trained(tapes({}, {}, {}, {}, {}), 12, nb_steps_warmup=NEVER)
    assert agent.step == len(steps.steps) == 15


def test_memory_needs_a_stream_per_game() -> None:
    agent = compiled_agent(Tape, streams=3)
    with pytest.raises(ValueError, match="ReplayMemory of 2 streams"):
        agent.fit(tapes({}, {}), 10, verbose=0)


# --- callbacks ----------------------------------------------------------------------------------

ENDS = ({3: "terminated", 5: "truncated"}, {2: "life_lost"}, {4: "truncated"})


def test_every_transition_is_reported_once_with_its_episode() -> None:
    _, steps = trained(tapes(*ENDS), 18, nb_steps_warmup=NEVER)
    streams = [[logs for logs in steps.steps if logs["info"]["stream"] == i] for i in range(3)]
    assert [len(stream) for stream in streams] == [6, 6, 6]
    numbers = [[logs["episode"] for logs in stream] for stream in streams]
    # Games are numbered in order of their start. A lost life does not end a game.
    assert numbers == [[0, 0, 0, 3, 3, 5], [1] * 6, [2, 2, 2, 2, 4, 4]]
    counts = [steps.counts[i::3] for i in range(3)]
    assert counts == [[0, 1, 2, 0, 1, 0], [0, 1, 2, 3, 4, 5], [0, 1, 2, 3, 0, 1]]
    over = [[logs["info"]["game_over"] for logs in stream] for stream in streams]
    assert [np.flatnonzero(each).tolist() for each in over] == [[2, 4], [], [3]]


def test_episodes_begin_before_and_end_after_their_steps() -> None:
    _, steps = trained(tapes(*ENDS), 18, nb_steps_warmup=NEVER)
    assert steps.begun == [0, 1, 2, 3, 4, 5]
    lengths = {episode: logs["nb_episode_steps"] for episode, logs in steps.ended}
    assert lengths == {0: 3, 2: 4, 3: 2}
    assert {episode: logs["episode_reward"] for episode, logs in steps.ended} == lengths
    assert [logs["nb_steps"] for _, logs in steps.ended] == [7, 12, 13]
    for episode in steps.begun:
        own = [what for what, which in steps.events if which == episode]
        finished = ["end"] if episode in lengths else []
        assert own == ["begin"] + ["step"] * (len(own) - 1 - len(finished)) + finished


def test_every_hook_is_called_as_keras_rl2_calls_it_for_one_game() -> None:
    """One environment in both loops: the same calls and numbers."""

    def calls(agent: Any, env: Any) -> list[Any]:
        recorder = Recorder()
        agent.fit(env, 6, callbacks=[recorder], verbose=0)
        return [
            (name, None if "action" in name else index, summary(logs))
            for name, index, logs in recorder.calls
        ]

    def summary(logs: Any) -> Any:
        kept = ("episode", "reward", "episode_reward", "nb_episode_steps", "nb_steps")
        return {key: logs[key] for key in kept if key in (logs or {})}

    ends = {3: "terminated", 5: "terminated"}
    stock = calls(
        small_agent(DQNAgent, Tape, nb_steps_warmup=NEVER), OldGym(Tape(ends, (1.0, 2.0)))
    )
    env = Arcade([Tape(ends, (1.0, 2.0))])
    ours = calls(agent_of(env, nb_steps_warmup=NEVER), env)
    assert ours == stock


def test_keras_callbacks_receive_epochs_and_batches() -> None:
    class Counter(keras.callbacks.Callback):
        epochs = batches = 0

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            self.epochs += 1

        def on_batch_end(self, batch: int, logs: Any = None) -> None:
            self.batches += 1

    env, counter = tapes(*ENDS), Counter()
    history = agent_of(env, nb_steps_warmup=NEVER).fit(env, 18, callbacks=[counter], verbose=0)
    assert (counter.epochs, counter.batches) == (3, 18)
    assert history.history["nb_episode_steps"] == [3, 4, 2]
    assert history.history["episode_reward"] == [3.0, 4.0, 2.0]


def test_lambda_callbacks_are_called() -> None:
    epochs: list[int] = []
    callback = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: epochs.append(epoch))
    env = tapes(*ENDS)
    agent_of(env, nb_steps_warmup=NEVER).fit(env, 18, callbacks=[callback], verbose=0)
    assert epochs == [0, 2, 3]


@pytest.mark.parametrize("verbose", [1, 2])
def test_logs_match_keras_rl2(verbose: int, capsys: pytest.CaptureFixture[str]) -> None:
    env = tapes(*ENDS)
    agent_of(env).fit(env, 60, verbose=verbose, log_interval=30)
    shown = capsys.readouterr().out
    assert "Training for 60 steps" in shown
    assert ("Interval 2 (30 steps performed)" if verbose == 1 else "episode: 1,") in shown


def test_training_can_be_stopped() -> None:
    class Stop(Callback):
        def on_step_end(self, step: int, logs: Any = None) -> None:
            if step == 4:
                self.model.stop_training = True

        def on_train_end(self, logs: Any = None) -> None:
            self.last_words = logs

    env, stop = tapes({}, {}), Stop()
    agent = agent_of(env, nb_steps_warmup=NEVER)
    agent.fit(env, 1000, callbacks=[stop], verbose=0)
    assert agent.step == 10
    assert stop.last_words == {"did_abort": True}


def test_ctrl_c_ends_the_training_and_keeps_the_agent() -> None:
    class CtrlC(Callback):
        def on_step_end(self, step: int, logs: Any = None) -> None:
            raise KeyboardInterrupt

    env = tapes({}, {})
    agent = agent_of(env)
    agent.fit(env, 1000, callbacks=[CtrlC()], verbose=0)
    assert not agent.training


# --- stored transitions -------------------------------------------------------------------------


def test_truncated_games_bootstrap_and_terminal_ones_do_not() -> None:
    ends = {3: "terminated", 5: "truncated", 8: "life_lost"}
    agent, _ = trained(tapes(ends), 10, nb_steps_warmup=NEVER)
    memory: ReplayMemory = agent.memory
    # Entries: 10 transitions, and the final observation after each of the three ends.
    assert memory.nb_entries == 13
    seen = memory.observations[0, :13, 0].tolist()
    # frames:  1 2 3 [4]  5 6 [7]  8 9 10 [11]  11 12: after a lost life the game continues
    assert seen == [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 11, 12]
    drawn = {
        int(state1[-1][0]): terminal
        for _, _, _, state1, terminal in memory.sample(6, batch_idxs=[2, 4, 5, 8, 9, 11])
    }
    assert drawn == {4: True, 6: False, 7: False, 10: False, 11: True, 12: False}


def test_actions_and_rewards_are_stored_with_their_observation() -> None:
    env = Arcade([Tape({}, rewards=(1.0, 2.0, 3.0)), Tape({}, rewards=(5.0,))])
    agent, _ = trained(env, 12, nb_steps_warmup=NEVER)
    memory = agent.memory
    assert memory.rewards[:, :6].tolist() == [[1, 2, 3, 1, 2, 3], [5] * 6]
    assert memory.observations[:, :6, 0].tolist() == [[1, 2, 3, 4, 5, 6]] * 2
    assert memory.actions[:, :6].T.tolist() == env.played


# --- custom components --------------------------------------------------------------------------


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
