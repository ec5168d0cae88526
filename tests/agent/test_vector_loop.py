"""Training on parallel environments follows keras-rl2's training on one."""

from __future__ import annotations

import itertools
from typing import Any

import keras
import numpy as np
import pytest
from agent.vector_training import NEVER, Steps, agent_of, tapes, trained
from toys import Arcade, OldGym, Tape, compiled_agent, small_agent

from runner.keras_rl2 import Callback, DQNAgent
from runner.memory.replay import ReplayMemory


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
