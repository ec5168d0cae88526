"""keras-rl2 works on current TensorFlow, whose settings are restored."""

from __future__ import annotations

import json
import subprocess
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from toys import Corridor, OldGym, Outcome, Tape, compiled_agent, small_agent, small_network

from models.dueling import Dueling
from runner.keras_rl2 import (
    DQNAgent,
    EpsGreedyQPolicy,
    ModelIntervalCheckpoint,
    Policy,
    Processor,
    SequentialMemory,
    TrainEpisodeLogger,
    TrainIntervalLogger,
    clone_model,
)

NEVER = 10**9

every_agent = pytest.mark.parametrize(
    "make",
    [lambda *args, **kwargs: small_agent(DQNAgent, *args, **kwargs), compiled_agent],
    ids=["stock", "compiled"],
)

LOOK_BEFORE_AND_AFTER = """
import json, sys
import tensorflow as tf
import tensorflow.keras.models, keras

BORROWED = ["tensorflow.python.keras.callbacks", "tensorflow.python.keras.utils.generic_utils"]

def look():
    return {
        "disable_eager_execution": id(tf.compat.v1.disable_eager_execution),
        "model_from_config": hasattr(tensorflow.keras.models, "model_from_config"),
        "names in models": sorted(vars(tensorflow.keras.models)),
        "modules": [id(sys.modules[name]) if name in sys.modules else None for name in BORROWED],
        "eager": tf.executing_eagerly(),
    }

before = look()
import runner.keras_rl2
after = look()
from tensorflow.python.keras.callbacks import Callback
print(json.dumps([before, after, Callback is not keras.callbacks.Callback]))
"""


@pytest.mark.slow
def test_tensorflow_settings_are_restored() -> None:
    shown = subprocess.run(
        [sys.executable, "-c", LOOK_BEFORE_AND_AFTER],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    before, after, callback_is_tensorflows_own = json.loads(shown)
    assert after == before
    assert after["eager"]
    assert callback_is_tensorflows_own


def test_eager_execution_stays_on() -> None:
    assert tf.executing_eagerly()
    assert tf.constant(2).numpy() == 2


class NeverReady(Policy):
    """Always the same action."""

    def select_action(self, **kwargs: Any) -> int:
        return 0


class Clock:
    """A game that ends every thousand steps."""

    SHAPE = (1,)
    NB_ACTIONS = 2

    def __init__(self) -> None:
        self.steps = 0

    def reset(self) -> Any:
        return np.zeros(1, np.uint8)

    def step(self, action: int) -> Outcome:
        self.steps += 1
        return Outcome(np.zeros(1, np.uint8), 1.0, self.steps % 1000 == 0)


@every_agent
@pytest.mark.slow
def test_counters_exceed_16_bits(make: Callable[..., Any]) -> None:
    agent = make(Clock, policy=NeverReady(), nb_steps_warmup=NEVER, limit=100)
    # Bypasses the network: 33,000 calls would only take time.
    agent.compute_q_values = lambda state: np.zeros(2)
    history = agent.fit(OldGym(Clock()), 33_000, verbose=0)
    assert agent.step == 33_000
    assert history.history["nb_steps"] == list(range(1000, 33_001, 1000))


@every_agent
def test_metrics_are_named_once_after_recompiling(make: Callable[..., Any]) -> None:
    class Counting(Processor):
        @property
        def metrics_names(self) -> list[str]:
            return ["seen"]

        @property
        def metrics(self) -> list[float]:
            return [7.0]

    for processor, expected in [
        (None, ["loss", "mean_q"]),
        (None, ["loss", "mean_q"]),
        (Counting(), ["loss", "mean_q", "seen"]),
    ]:
        agent = make(processor=processor)
        assert agent.metrics_names == expected
        logs: list[Any] = []

        class Keep(keras.callbacks.Callback):
            def on_batch_end(self, batch: int, logs: Any = None, kept: Any = logs) -> None:
                kept.append(logs["metrics"])

        agent.fit(OldGym(Corridor()), 25, callbacks=[Keep()], verbose=0)
        assert {len(metrics) for metrics in logs} == {len(expected)}
        assert np.isfinite(logs[-1]).all()


def test_the_stock_agent_takes_the_users_metrics() -> None:
    def mean_abs_q(y_true: Any, y_pred: Any) -> Any:
        return keras.ops.mean(keras.ops.abs(y_pred))

    agent = small_agent(DQNAgent)
    agent.compile(keras.optimizers.Adam(0.01), metrics=[mean_abs_q])
    assert agent.metrics_names == ["loss", "mean_abs_q", "mean_q"]
    seen: list[Any] = []

    class Keep(keras.callbacks.Callback):
        def on_batch_end(self, batch: int, logs: Any = None) -> None:
            seen.append(logs["metrics"])

    agent.fit(OldGym(Corridor()), 25, callbacks=[Keep()], verbose=0)
    assert len(seen[-1]) == 3
    assert np.isfinite(seen[-1]).all()


def test_the_compiled_agent_refuses_metrics() -> None:
    with pytest.raises(ValueError, match="metrics: expected none"):
        compiled_agent().compile(keras.optimizers.Adam(), metrics=["mse"])


def test_fewer_entries_than_the_batch_are_drawn_with_replacement() -> None:
    memory = SequentialMemory(limit=100, window_length=2)
    for i in range(6):
        memory.append(np.array([i]), i, float(i), False)
    with pytest.warns(UserWarning, match="Not enough entries"):
        drawn = memory.sample(32)
    assert len(drawn) == 32
    assert {e.action for e in drawn} == {2, 3, 4}
    for e in drawn:
        assert np.concatenate([*e.state0, *e.state1[-1:]]).tolist() == [
            e.action - 1, e.action, e.action + 1,
        ]  # fmt: skip


def test_enough_entries_are_drawn_once_each() -> None:
    memory = SequentialMemory(limit=100, window_length=2)
    for i in range(36):
        memory.append(np.array([i]), i, float(i), False)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        drawn = memory.sample(32)
    assert len({e.action for e in drawn}) == 32


@every_agent
@pytest.mark.parametrize("kind", ["avg", "max", "naive"])
def test_dueling_networks(make: Callable[..., Any], kind: str) -> None:
    keras.utils.set_random_seed(0)
    network = small_network(Tape, hidden=[4], start="glorot_uniform")
    agent = make(Tape, model=network, enable_dueling_network=True, dueling_type=kind)
    heads = [layer for layer in agent.model.layers if isinstance(layer, Dueling)]
    assert [head.kind for head in heads] == [kind]
    copy = clone_model(agent.model)
    for ours, theirs in zip(agent.model.get_weights(), copy.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    states = np.arange(10, dtype=np.uint8).reshape(5, 1, 2)
    q_values = agent.compute_batch_q_values(list(states))
    np.testing.assert_allclose(q_values, copy.predict_on_batch(states), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(
        q_values, agent.target_model.predict_on_batch(states), rtol=1e-5, atol=1e-6
    )
    streams = keras.Model(agent.model.input, heads[0].input).predict_on_batch(states)
    value, advantage = streams[:, :1], streams[:, 1:]
    less = {"avg": advantage.mean(1, keepdims=True), "max": advantage.max(1, keepdims=True)}
    expected = value + advantage - less.get(kind, 0.0)
    np.testing.assert_allclose(q_values, expected, rtol=1e-5, atol=1e-5)
    agent.fit(OldGym(Tape({})), 25, verbose=0)
    assert not np.array_equal(q_values, agent.compute_batch_q_values(list(states)))


def test_unknown_dueling_type_is_refused() -> None:
    with pytest.raises(ValueError, match="avg, max, naive"):
        small_agent(
            DQNAgent,
            model=small_network(hidden=[4]),
            enable_dueling_network=True,
            dueling_type="sum",
        )


def test_a_clone_is_independent() -> None:
    network = small_network(hidden=[3], start="glorot_uniform")
    copy = clone_model(network)
    before = [w.copy() for w in network.get_weights()]
    copy.set_weights([w + 1 for w in copy.get_weights()])
    for now, then in zip(network.get_weights(), before, strict=True):
        np.testing.assert_array_equal(now, then)


@every_agent
def test_soft_update_belongs_to_the_compiled_agent(make: Callable[..., Any]) -> None:
    if make is compiled_agent:
        assert make(target_model_update=0.01).compiled
    else:  # needs a Keras 2 optimizer; the settings refuse it earlier
        with pytest.raises(AttributeError):
            make(target_model_update=0.01)


# --- keras-rl2's own callbacks and files ----------------------------------------------------------


@every_agent
def test_file_logger(make: Callable[..., Any], tmp_path: Path) -> None:
    from rl.callbacks import FileLogger

    path = tmp_path / "log.json"
    env = OldGym(Tape({10: "terminated", 30: "terminated"}))
    make(Tape).fit(env, 40, callbacks=[FileLogger(str(path), interval=1)], verbose=0)
    log = json.loads(path.read_text())
    assert log["episode"] == [0, 1]
    assert log["nb_episode_steps"] == [10, 20]
    assert log["episode_reward"] == [10.0, 20.0]
    assert np.isnan(log["loss"][0])  # warming up
    assert np.isfinite(log["loss"][1])
    assert np.isfinite(log["mean_q"][1])


@every_agent
def test_train_episode_logger(make: Callable[..., Any], capsys: pytest.CaptureFixture[str]) -> None:
    env = OldGym(Tape({10: "terminated", 30: "terminated"}))
    make(Tape).fit(env, 40, callbacks=[TrainEpisodeLogger()], verbose=0)
    lines = [line for line in capsys.readouterr().out.splitlines() if "episode:" in line]
    assert ["loss: --, mean_q: --" in line for line in lines] == [True, False]
    assert "episode steps:  20" in lines[1]
    assert "episode reward: 20.000" in lines[1]


@every_agent
def test_train_interval_logger(
    make: Callable[..., Any], capsys: pytest.CaptureFixture[str]
) -> None:
    env = OldGym(Tape({10: "terminated", 30: "terminated"}))
    make(Tape).fit(env, 45, callbacks=[TrainIntervalLogger(interval=20)], verbose=0)
    shown = capsys.readouterr().out
    for text in ("Interval 3 (40 steps performed)", "1 episodes - episode_reward: 20.000", "loss:"):
        assert text in shown


@every_agent
def test_interval_checkpoints_can_be_loaded(make: Callable[..., Any], tmp_path: Path) -> None:
    agent = make(Tape)
    checkpoint = ModelIntervalCheckpoint(str(tmp_path / "step_{step}.weights.h5"), interval=20)
    agent.fit(OldGym(Tape({})), 50, callbacks=[checkpoint], verbose=0)
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        "step_20.weights.h5",
        "step_40.weights.h5",
    ]
    other = make(Tape)
    other.load_weights(str(tmp_path / "step_40.weights.h5"))
    for network in (other.model, other.target_model):  # the target network is loaded too
        assert not np.array_equal(network.get_weights()[0], np.zeros((2, 3)))
        np.testing.assert_array_equal(network.get_weights()[0], other.model.get_weights()[0])


@every_agent
def test_overwriting_a_file_is_explicit(make: Callable[..., Any], tmp_path: Path) -> None:
    path, agent = tmp_path / "a.weights.h5", make(policy=EpsGreedyQPolicy(0.0))
    agent.save_weights(str(path))
    before = path.read_bytes()
    agent.model.set_weights([w + 1 for w in agent.model.get_weights()])
    agent.save_weights(str(path), overwrite=True)
    assert path.read_bytes() != before
    assert [p.name for p in tmp_path.iterdir()] == ["a.weights.h5"]


def test_the_compiled_agent_never_overwrites_silently(tmp_path: Path) -> None:
    path, agent = tmp_path / "a.weights.h5", compiled_agent()
    path.write_bytes(b"precious")
    with pytest.raises(FileExistsError):
        agent.save_weights(str(path))
    assert path.read_bytes() == b"precious"
