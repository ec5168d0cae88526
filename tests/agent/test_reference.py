"""Reproduces the recorded updates of the original keras-rl2 on TensorFlow 2.3."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from models.heads import Head, with_head
from runner.agent.dqn import CompiledDQNAgent
from runner.keras_rl2 import DQNAgent, Experience, Memory
from runner.memory.batch import Batch

DATA = Path(__file__).parents[1] / "data"
RECORDINGS = ["double_dqn_clip1", "dqn_dueling_avg", "dqn_dueling_max"]
UPDATES = 20

every_recording = pytest.mark.parametrize("name", RECORDINGS)


@functools.cache
def recording(name: str) -> dict[str, Any]:
    with np.load(DATA / f"{name}.npz") as file:
        return {key: file[key].item() if file[key].ndim == 0 else file[key] for key in file}


class RecordedBatches(Memory):
    """Gives the recorded batches, one after another."""

    def __init__(self, data: dict[str, Any]) -> None:
        super().__init__(window_length=3)
        self._batches = zip(data["S"], data["A"], data["R"], data["S1"], data["T"], strict=True)

    def sample(self, batch_size: int, batch_idxs: Any = None) -> list[Experience]:
        return [
            Experience(list(s), int(a), float(r), list(s1), bool(end))
            for s, a, r, s1, end in zip(*next(self._batches), strict=True)
        ]


def agent_with_first_weights(kind: type[DQNAgent], data: dict[str, Any], **settings: Any) -> Any:
    inputs = keras.Input((3, 128), dtype="uint8")
    x = keras.layers.Flatten()(keras.layers.Rescaling(1.0)(inputs))
    for units in data["hidden"]:
        x = keras.layers.Dense(int(units), "relu")(x)
    model = keras.Model(inputs, keras.layers.Dense(data["nb_actions"])(x))
    if data["dueling"] != "none":
        model = with_head(model, Head(data["dueling"]))
    model.set_weights(weights_after(0, data))
    agent = kind(
        model,
        nb_actions=data["nb_actions"],
        memory=RecordedBatches(data),
        gamma=data["gamma"],
        nb_steps_warmup=0,
        target_model_update=data["target_model_update"],
        enable_double_dqn=data["double"],
        delta_clip=data["delta_clip"],
        **settings,
    )
    agent.compile(keras.optimizers.Adam(data["lr"], epsilon=1e-7))
    return agent


def weights_after(updates: int, data: dict[str, Any]) -> list[Any]:
    return [data[f"w{updates}_{j}"] for j in range(6)]


def assert_weights_as_recorded(agent: Any, updates: int, data: dict[str, Any]) -> None:
    first = weights_after(0, data)
    for got, wanted, begun in zip(
        agent.model.get_weights(), weights_after(updates, data), first, strict=True
    ):
        # Adam moves a weight by at most the learning rate: the displacements must agree, except
        # for the few weights whose gradient is as small as the rounding error.
        way = np.linalg.norm(wanted - begun)
        assert np.linalg.norm(got - wanted) <= 0.02 * way


def assert_all_as_recorded(agent: Any, losses: Any, mean_qs: Any, data: dict[str, Any]) -> None:
    np.testing.assert_allclose(losses, data["loss"], rtol=1e-4)
    np.testing.assert_allclose(mean_qs, data["mean_q"], rtol=1e-3)
    assert_weights_as_recorded(agent, UPDATES, data)
    q_values = agent.compute_batch_q_values(list(data["X"]))
    assert np.abs(q_values - data["QX"]).max() <= 1e-3 * np.abs(data["QX"]).max()


def learn_step_by_step(agent: Any, data: dict[str, Any]) -> None:
    agent.training = True
    agent.recent_observation, agent.recent_action = np.zeros(128, np.uint8), 0
    results = []
    for agent.step in range(1, UPDATES + 1):
        results.append(agent.backward(0.0, terminal=False))
        if agent.step in (1, 5):
            assert_weights_as_recorded(agent, agent.step, data)
    losses, mean_qs = zip(*results, strict=True)
    assert_all_as_recorded(agent, losses, mean_qs, data)


@every_recording
def test_stock_agent_learns_as_recorded(name: str) -> None:
    data = recording(name)
    learn_step_by_step(agent_with_first_weights(DQNAgent, data), data)


@pytest.mark.parametrize("jit_compile", [True, False])
@every_recording
def test_compiled_agent_learns_as_recorded(name: str, jit_compile: bool) -> None:
    data = recording(name)
    agent = agent_with_first_weights(CompiledDQNAgent, data, jit_compile=jit_compile)
    learn_step_by_step(agent, data)


# XLA takes seconds to compile two updates: one recording shows that they agree.
@pytest.mark.parametrize(
    ("name", "jit_compile", "size"),
    [
        ("double_dqn_clip1", False, 5),
        pytest.param("dqn_dueling_avg", False, 5, marks=pytest.mark.slow),
        pytest.param("dqn_dueling_max", False, 5, marks=pytest.mark.slow),
        pytest.param("double_dqn_clip1", True, 2, marks=pytest.mark.slow),
    ],
)
def test_several_updates_in_one_call_equal_single_updates(
    name: str, jit_compile: bool, size: int
) -> None:
    data = recording(name)
    agent = agent_with_first_weights(CompiledDQNAgent, data, jit_compile=jit_compile)
    windows = np.concatenate([data["S"], data["S1"][:, :, -1:]], axis=2)
    actions, terminals = data["A"].astype(np.int32), data["T"]
    results = []
    for first in range(0, UPDATES, size):
        part = slice(first, first + size)
        batches = Batch(windows[part], actions[part], data["R"][part], terminals[part])
        # No sync is due before the first of these updates; then after updates 7 and 14.
        syncs = [False] + [update % 7 == 0 for update in range(first + 1, first + size + 1)]
        results.append(agent.learner.update(batches, np.array(syncs))[:2])
        if first + size == 5:
            assert_weights_as_recorded(agent, 5, data)
    losses, mean_qs = np.concatenate(results, axis=1)
    assert_all_as_recorded(agent, losses, mean_qs, data)
