"""Relations between the settings of the game and those of the observation."""

from __future__ import annotations

import math

from runner.errors import wrong
from runner.settings.env_ids import all_ids
from runner.settings.inputs import check_inputs
from runner.settings.obs import PixelObservation
from runner.settings.observations import screen_size
from runner.settings.schema import Config


def check_env(config: Config) -> None:
    """Checks ``env`` and ``obs``.

    Raises:
        UserError: The first invalid setting.
    """
    env, obs = config.env, config.obs
    if env.id is not None and all_ids()[env.id].game != env.game:
        raise wrong("env.id", env.id, f"a name of the game env.game={env.game}, or null")
    clip = config.agent.reward_clip
    if config.memory.name == "sequential" and math.isfinite(clip):
        for name in ("life_loss_reward", "truncation_reward"):
            if getattr(env, name):
                allowed = f"inf with memory=sequential, as the limit would also clip env.{name}"
                raise wrong("agent.reward_clip", clip, allowed)
    if isinstance(obs, PixelObservation) and obs.crop is not None:
        height, width = screen_size(env)
        if obs.crop[1] > height or obs.crop[3] > width:
            raise wrong("obs.crop", obs.crop, f"a part of the screen of {height}x{width} pixels")
    if obs.padding != "zeros" and config.memory.name == "sequential":
        raise wrong("obs.padding", obs.padding, "zeros with memory=sequential (as in keras-rl2)")
    check_inputs(config)
