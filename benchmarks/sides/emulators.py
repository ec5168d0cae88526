"""The emulators alone: random actions, nobody learns."""

from __future__ import annotations

import numpy as np

from benchmarks.sides.answer import answer
from benchmarks.sides.repeated import seconds_per_call
from runner.config import compose
from runner.environments.pool import EmulatorPool


def measure(obs: str, seconds: float) -> dict[str, float]:
    compose.register()
    config = compose.load([f"obs={obs}"])
    pool = EmulatorPool(config.env, config.obs, config.env.num_envs)
    try:
        pool.reset(seed=0)
        generator = np.random.default_rng(0)

        def step() -> None:
            pool.step(generator.integers(len(pool.action_meanings), size=pool.num_envs))

        return {"steps_per_s": pool.num_envs / seconds_per_call(step, seconds, warm=100)}
    finally:
        pool.close()


if __name__ == "__main__":
    answer(measure)
