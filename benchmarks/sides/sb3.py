"""Stable-Baselines3's DQN on the same work. Imports nothing from the project.

The hyperparameters are those of ``benchmarks.cases``. Specific to SB3: torch with its threads,
subprocess environments, Monitor, replay buffer.
"""

from __future__ import annotations

import math
import time
from typing import Any

from benchmarks.sides.answer import answer

# The module prefix makes emulator processes import it, which registers the games.
GAME = "ale_py:ALE/SpaceInvaders-v5"
NUM_ENVS = 8


def make_games(obs: str) -> Any:
    """Protocol v5: 4 frames per step, sticky actions 0.25, no no-ops, lives ignored."""
    from stable_baselines3.common.env_util import make_atari_env, make_vec_env
    from stable_baselines3.common.vec_env import SubprocVecEnv, VecFrameStack

    if obs == "ram":
        games = make_vec_env(
            GAME, NUM_ENVS, seed=0, env_kwargs={"obs_type": "ram"}, vec_env_cls=SubprocVecEnv
        )
        return VecFrameStack(games, 3)
    games = make_atari_env(
        GAME,
        NUM_ENVS,
        seed=0,
        env_kwargs={"frameskip": 1},  # the wrapper skips: it needs the last two frames
        wrapper_kwargs={
            "noop_max": 0,
            "frame_skip": 4,
            "terminal_on_life_loss": False,
            "clip_reward": True,
        },
        vec_env_cls=SubprocVecEnv,
    )
    return VecFrameStack(games, 4)


def measure(
    obs: str, train_interval: int, limit: int, warmup: int, epsilon: float, start: int, steps: int
) -> dict[str, float]:
    """Times ``steps`` steps after step ``start``, both multiples of ``NUM_ENVS``."""
    from stable_baselines3 import DQN
    from stable_baselines3.common.callbacks import BaseCallback

    class Stopwatch(BaseCallback):  # type: ignore[misc]
        began = ended = 0.0

        def _on_step(self) -> bool:
            if self.num_timesteps == start:
                self.began = time.perf_counter()
            elif self.num_timesteps == start + steps:
                self.ended = time.perf_counter()
            return bool(self.num_timesteps < start + steps)

    games = make_games(obs)
    model = DQN(
        "MlpPolicy" if obs == "ram" else "CnnPolicy",
        games,
        learning_rate=2.5e-4,
        buffer_size=limit,
        learning_starts=warmup,
        batch_size=32,
        gamma=0.99,
        train_freq=1,
        gradient_steps=NUM_ENVS // train_interval,
        target_update_interval=10_000,
        exploration_initial_eps=epsilon,
        exploration_final_eps=epsilon,
        max_grad_norm=math.inf,
        policy_kwargs={"net_arch": [512, 128]} if obs == "ram" else None,
        seed=0,
    )
    watch = Stopwatch()
    model.learn(start + steps, callback=watch)
    games.close()
    return {"steps_per_s": steps / (watch.ended - watch.began)}


if __name__ == "__main__":
    answer(measure)
