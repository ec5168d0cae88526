"""Weights saved by the original keras-rl2 on TensorFlow 2.3 reproduce their recorded Q-values."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from runner.agent.build import make_model
from runner.settings import compose

DATA = Path(__file__).parents[1] / "data"


def test_q_values_of_the_original() -> None:
    config = compose.load([
        "env=space_invaders",
        "obs=ram",
        "agent=dqn",
        "agent.dueling=avg",
        "model.inputs=[{kind:scaled,factor:1}]",
        f"init_weights={DATA / 'spaceinvaders_ram_weights_20.h5f'}",
    ])  # fmt: skip
    model = make_model(config, (128,), nb_actions=6)
    with np.load(DATA / "dqn_dueling_avg.npz") as recorded:
        q_values = model.predict_on_batch(recorded["X"])
        scale = np.abs(recorded["QX"]).max()
        np.testing.assert_allclose(q_values, recorded["QX"], atol=1e-3 * scale)
