"""The learning rate schedule."""

from __future__ import annotations

import dataclasses

import keras
import numpy as np
import pytest
import tensorflow as tf

from runner.agent.optimizers import make_optimizer
from runner.settings import compose


@pytest.mark.parametrize(
    ("steps", "hold", "rates"),
    [
        (0, 0.0, [0.1, 0.1, 0.1, 0.1, 0.1]),
        (6, 0.0, [0.1, 0.07, 0.04, 0.01, 0.01]),
        (5, 0.0, [0.1, 0.07, 0.04, 0.01, 0.01]),  # 2.5 updates, rounded up to 3
        (1, 0.0, [0.1, 0.01, 0.01, 0.01, 0.01]),
        (8, 0.5, [0.1, 0.1, 0.1, 0.055, 0.01]),  # held for 2 of 4 updates
        (6, 0.5, [0.1, 0.1, 0.055, 0.01, 0.01]),  # held for 1.5 of 3, rounded down to 1
        (2, 0.9, [0.1, 0.01, 0.01, 0.01, 0.01]),
    ],
)
@pytest.mark.parametrize("compiled", [False, True])
def test_the_rate_holds_then_decays_linearly(
    steps: int, hold: float, rates: list[float], compiled: bool
) -> None:
    agent = dataclasses.replace(
        compose.load(["agent=dqn"]).agent,
        optimizer="sgd", learning_rate=0.1, lr_min=0.01, lr_decay_steps=steps,
        lr_hold=hold, train_interval=2,
    )  # fmt: skip
    weight = keras.Variable(np.zeros(1, np.float32))
    optimizer = make_optimizer(agent)
    optimizer.build([weight])

    def apply(slope: tf.Tensor) -> None:
        optimizer.apply([slope], [weight])

    update = tf.function(apply, jit_compile=True) if compiled else apply
    moves = []
    for _ in rates:
        before = weight.numpy()
        update(tf.ones(1))
        moves.append((before - weight.numpy()).item())
    np.testing.assert_allclose(moves, rates, rtol=1e-4)
