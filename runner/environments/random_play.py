"""Random play before training: what layers of the network adapt to.

It sees more of a game than the first steps of training: games last longer, and in every other one
actions are repeated for a while (Dabney et al. 2021), as some games show nothing to single random
actions. In Enduro the car gathers no speed with them, and meets no other.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from models.seen import Seen
from runner.environments.atari import AtariGame
from runner.settings.env import EnvConfig
from runner.settings.schema import ObsConfig

STARTS: Final = 16  # games started, each with an equal share of the steps
_FRAMES: Final = 3  # observations per window
_LONGEST: Final = 100  # steps that an action is repeated


def random_play(env: EnvConfig, obs: ObsConfig, seed: int, steps: int) -> Seen:
    """Plays a game at random.

    Args:
        env: Game and rules.
        obs: Observations.
        seed: Seed of the games and the actions.
        steps: Number of steps, rounded up to a multiple of ``STARTS``.

    Returns:
        Its transitions of one step.
    """
    emulator = AtariGame(env, obs)
    generator = np.random.default_rng(seed)
    windows, actions, after = [], [], []
    for start in range(STARTS):
        # Seeding loads the game anew, which takes as long as 500 steps.
        observation, _ = emulator.reset(seed=None if start else int(generator.integers(2**31)))
        window = np.zeros((_FRAMES, *observation.shape), np.uint8)
        left = action = 0
        for _ in range(-(-steps // STARTS)):
            window = np.concatenate([window[1:], observation[None]])
            windows.append(window)
            if left == 0:
                action = int(generator.integers(len(emulator.actions)))
                left = min(int(generator.zipf(2.0)), _LONGEST) if start % 2 else 1
            left -= 1
            observation, _, terminated, truncated, _ = emulator.step(action)
            actions.append(action)
            after.append(observation)
            if terminated or truncated:
                observation, _ = emulator.reset()
                window = np.zeros_like(window)
    return Seen(np.stack(windows), np.array(actions, np.int32), np.stack(after))
