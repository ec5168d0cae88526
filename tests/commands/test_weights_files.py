"""Weights files: whole and of the same network, or refused."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from models.conv import conv_network
from models.dense import dense_network
from runner.errors import UserError
from runner.weights import load_weights


def dense(hidden: list[int], nb_actions: int = 4, window: int = 3) -> keras.Model:
    return dense_network((window, 128), nb_actions, hidden=hidden, activation="relu", scale=1.0)


def conv() -> keras.Model:
    return conv_network(
        (4, 84, 84), 4, filters=[2], kernels=[8], strides=[4], hidden=[4], activation="relu",
        scale=1.0,
    )  # fmt: skip


@pytest.mark.parametrize("make", [lambda: dense([8, 8]), conv])
def test_the_same_network_gets_the_same_weights(make: Any, tmp_path: Path) -> None:
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
        warnings.simplefilter("error", UserWarning)  # it would be a second line
        with pytest.raises(UserError, match="expected weights of shapes") as refusal:
            load_weights(into(), path)
    assert len(str(refusal.value).splitlines()) == 1
