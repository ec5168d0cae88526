"""Weights files: complete and of the same network, or refused."""

from __future__ import annotations

import contextlib
import resource
import signal
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np
import pytest
from toys import compiled_agent, small_agent

from models.conv import conv_network
from models.dense import dense_network
from models.inputs.scaled import Scaled
from runner.errors import RunError, UserError
from runner.keras_rl2 import DQNAgent
from runner.weights import load_weights


def dense(hidden: list[int], nb_actions: int = 4, window: int = 3) -> keras.Model:
    return dense_network(
        (window, 128), nb_actions, inputs=[Scaled(factor=1.0)], hidden=hidden, activation="relu"
    )


def conv() -> keras.Model:
    return conv_network(
        (4, 84, 84), 4, filters=[2], kernels=[8], strides=[4], hidden=[4], activation="relu",
        scale=1.0,
    )  # fmt: skip


@pytest.mark.parametrize("make", [lambda: dense([8, 8]), conv])
def test_weights_load_into_the_same_network(make: Any, tmp_path: Path) -> None:
    one, other = make(), make()
    one.set_weights([w + 1 for w in one.get_weights()])
    one.save_weights(tmp_path / "a.weights.h5")
    load_weights(other, tmp_path / "a.weights.h5")
    for ours, theirs in zip(one.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize(
    ("saved", "into"),
    [
        (lambda: dense([8]), lambda: dense([8, 8])),
        (lambda: dense([8, 8]), lambda: dense([8])),
        (lambda: dense([8]), lambda: dense([9])),
        (lambda: dense([8]), lambda: dense([8], nb_actions=6)),
        (lambda: dense([8]), lambda: dense([8], window=4)),
        (conv, lambda: dense([8, 8])),
        (lambda: dense([8, 8]), conv),
    ],
)
def test_another_network_is_refused_in_one_line(saved: Any, into: Any, tmp_path: Path) -> None:
    path = tmp_path / "a.weights.h5"
    saved().save_weights(path)
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)  # a warning would be a second line
        with pytest.raises(UserError, match="expected weights of shapes") as refusal:
            load_weights(into(), path)
    assert len(str(refusal.value).splitlines()) == 1


@pytest.fixture(params=["ours", "keras-rl2's"])
def agent(request: pytest.FixtureRequest) -> Any:
    return compiled_agent() if request.param == "ours" else small_agent(DQNAgent)


@contextlib.contextmanager
def no_file_beyond(size: int) -> Iterator[None]:
    """Simulates a full disk: files cannot exceed ``size`` bytes."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, before)


def test_a_full_disk_leaves_the_old_weights(agent: Any, tmp_path: Path) -> None:
    path = tmp_path / "a.weights.h5"
    agent.save_weights(str(path))
    before = path.read_bytes()
    with no_file_beyond(1000), pytest.raises(OSError, match="File too large"):
        agent.save_weights(str(path), overwrite=True)
    assert [p.name for p in tmp_path.iterdir()] == [path.name]
    assert path.read_bytes() == before


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_weights_that_diverged_are_not_saved(agent: Any, value: float, tmp_path: Path) -> None:
    agent.model.set_weights([np.full_like(w, value) for w in agent.model.get_weights()])
    with pytest.raises(RunError, match=r"diverged.*agent\.learning_rate"):
        agent.save_weights(str(tmp_path / "a.weights.h5"))
    assert not list(tmp_path.iterdir())


def test_in_memory_weights_match_keras_files(agent: Any, tmp_path: Path) -> None:
    agent.save_weights(str(tmp_path / "a.weights.h5"))
    agent.model.save_weights(tmp_path / "b.weights.h5")
    ours, keras_own = (dict(weights_in(tmp_path / f"{n}.weights.h5")) for n in "ab")
    assert ours.keys() == keras_own.keys()
    for name, weight in ours.items():
        np.testing.assert_array_equal(weight, keras_own[name])


def weights_in(path: Path) -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = []
    with h5py.File(path) as file:
        file.visititems(
            lambda name, item: (
                found.append((name, item[()])) if isinstance(item, h5py.Dataset) else None
            )
        )
    return found
