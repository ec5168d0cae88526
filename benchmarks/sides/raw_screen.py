"""keras-rl2's pixel tutorial at full size: three RGB screens, 34.8 million weights.

Both agents play the same game in keras-rl2's loop with one update per step and the same network,
optimiser and policy. They differ in the update (compiled or Keras's) and the memory.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.sides.answer import answer
from runner.environments.atari import AtariGame
from runner.settings import compose

WINDOW = 3
SCREEN = (210, 160, 3)
NB_ACTIONS = 6
BATCH = 32
LIMIT = 1000  # transitions


class RgbGame:
    """Space Invaders in keras-rl2's interface: ``reset()``, ``step(action)``, colour screens."""

    def __init__(self) -> None:
        config = compose.load(["env=space_invaders", "env.protocol=v5"])
        self._game = AtariGame(config.env, config.obs)
        self._game.reset(seed=0)

    def reset(self) -> NDArray[np.uint8]:
        self._game.reset()
        screen: NDArray[np.uint8] = self._game.render()
        return screen

    def step(self, action: int) -> tuple[NDArray[np.uint8], float, bool, dict[str, Any]]:
        _, reward, terminated, truncated, _ = self._game.step(int(action))
        return self._game.render(), reward, terminated or truncated, {}


def make_model(dtype: str) -> Any:
    from models.build import build_model

    arguments = {
        "filters": (32, 64, 64), "kernels": (8, 4, 3), "strides": (4, 2, 1), "hidden": (512, 256),
        "activation": "relu", "scale": 1 / 255, "per_frame": True, "dtype": dtype,
    }  # fmt: skip
    return build_model("conv", (WINDOW, *SCREEN), NB_ACTIONS, arguments=arguments)


def measure(
    agent: str, warmup: int, start: int, steps: int, dtype: str = "float32"
) -> dict[str, float]:
    """Times ``steps`` steps after step ``start`` of ``agent``: ``ours`` or ``keras_rl2``."""
    from runner import tensorflow_setup

    tensorflow_setup.set_up(0)
    import keras

    from benchmarks.sides.stopwatch import Stopwatch
    from runner.agent.dqn import CompiledDQNAgent
    from runner.keras_rl2 import DQNAgent, EpsGreedyQPolicy, SequentialMemory
    from runner.memory.replay import ReplayMemory

    ours = agent == "ours"
    memory = (
        ReplayMemory(LIMIT, WINDOW, SCREEN)
        if ours
        else SequentialMemory(LIMIT, window_length=WINDOW)
    )
    model = make_model(dtype)
    player = (CompiledDQNAgent if ours else DQNAgent)(
        model=model,
        nb_actions=NB_ACTIONS,
        memory=memory,
        policy=EpsGreedyQPolicy(0.05),
        gamma=0.99,
        batch_size=BATCH,
        nb_steps_warmup=warmup,
        train_interval=1,
        target_model_update=10_000,
        delta_clip=1.0,
    )
    player.compile(keras.optimizers.Adam(2.5e-4))
    watch = Stopwatch(start, steps)
    player.fit(RgbGame(), start + steps, callbacks=[watch], visualize=False, verbose=0)
    return {"steps_per_s": watch.steps_per_s, "million_weights": model.count_params() / 1e6}


if __name__ == "__main__":
    answer(measure)
