"""Checks of the game's rules and of what is seen of it, between one field and another."""

from __future__ import annotations

import math
from typing import Final

from runner.errors import wrong
from runner.settings.byte_checks import check_bytes
from runner.settings.env_ids import all_ids
from runner.settings.observations import screen_size
from runner.settings.schema import Config

# What the names of ``obs`` that only the screen has are, where they are unused.
_UNUSED_WITH_RAM: Final = {
    "max_pool": True,
    "color": "luma",
    "crop": None,
    "subsample": 1,
    "resize": "area",
}


def check_env(config: Config) -> None:
    """Checks ``env`` and ``obs``.

    Raises:
        UserError: The first thing that is wrong.
    """
    _check_rules_of_the_game(config)
    _check_observation(config)


def _check_rules_of_the_game(config: Config) -> None:
    env = config.env
    if env.id is not None and all_ids()[env.id].game != env.game:
        raise wrong("env.id", env.id, f"a name of the game env.game={env.game}, or null")
    if config.features not in ("none", env.game):
        allowed = f"those of the game, env={env.game}, or none"
        raise wrong("features", config.features, allowed)
    clip = config.agent.reward_clip
    if config.memory.name == "sequential" and math.isfinite(clip):
        for name in ("life_loss_reward", "truncation_reward"):
            if getattr(env, name):
                allowed = f"inf with memory=sequential and env.{name}, or it clips that too"
                raise wrong("agent.reward_clip", clip, allowed)


def _check_observation(config: Config) -> None:
    obs = config.obs
    if obs.name == "ram":
        for name, unused in _UNUSED_WITH_RAM.items():
            if (value := getattr(obs, name)) != unused:
                allowed = "obs=pixel or obs=raw with it: obs=ram sees no screen"
                raise wrong(f"obs.{name}", value, allowed)
    else:
        if obs.bytes is not None:
            raise wrong("obs.bytes", obs.bytes, "obs=ram with it: the screen is no RAM")
        _check_screen(config)
    if obs.padding != "zeros" and config.memory.name == "sequential":
        raise wrong("obs.padding", obs.padding, "zeros with memory=sequential (keras-rl2's way)")
    check_bytes(config)
    if config.model.bits != "none" and config.model.name != "dense":
        raise wrong("model.bits", config.model.bits, "none unless model=dense")
    for field in ("standardise", "differences", "gains"):
        if getattr(config.model, field) and config.model.name == "conv":
            raise wrong(f"model.{field}", "true", "false unless model=dense")
    if config.model.standardise and config.agent.name == "keras_rl2":
        raise wrong("model.standardise", "true", "false with agent=keras_rl2")


def _check_screen(config: Config) -> None:
    obs = config.obs
    if obs.resize != "none" and min(obs.height, obs.width) < 1:
        name = "height" if obs.height < 1 else "width"
        raise wrong(f"obs.{name}", getattr(obs, name), "at least 1 pixel with obs=pixel")
    if obs.crop is not None:
        height, width = screen_size(config.env)
        if obs.crop[1] > height or obs.crop[3] > width:
            raise wrong("obs.crop", obs.crop, f"a part of the screen of {height}x{width} pixels")
