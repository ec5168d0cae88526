"""Shapes of observations, known before any emulator runs."""

from __future__ import annotations

import functools
import math

from ale_py import ALEInterface, LoggerMode

from models.ram import RAM_BYTES
from runner.settings.env import EnvConfig
from runner.settings.games import rom_path
from runner.settings.obs import BothObservation, PixelObservation, RamObservation


def screen_size(env: EnvConfig) -> tuple[int, int]:
    """Height and width of the game's screen in pixels: 210 x 160 in most games.

    Raises:
        UserError: ``env.rom_dir`` does not hold the game.
    """
    return _screen_size(str(rom_path(env.game, env.rom_dir)))


@functools.cache
def _screen_size(rom: str) -> tuple[int, int]:
    ALEInterface.setLoggerMode(LoggerMode.Error)
    ale = ALEInterface()
    ale.loadROM(rom)
    height, width = ale.getScreenDims()
    return int(height), int(width)


def observation_shape(env: EnvConfig, obs: RamObservation | PixelObservation) -> tuple[int, ...]:
    """Shape of one uint8 observation: (bytes,), (height, width) or (height, width, 3).

    With ``obs=both`` (128 + pixels,).

    Raises:
        UserError: ``env.rom_dir`` does not hold the game.
    """
    if isinstance(obs, RamObservation):
        return (RAM_BYTES if obs.bytes is None else len(obs.bytes),)
    screen = screen_shape(env, obs)
    return (RAM_BYTES + math.prod(screen),) if isinstance(obs, BothObservation) else screen


def screen_shape(env: EnvConfig, obs: PixelObservation) -> tuple[int, ...]:
    """Shape of one observed screen: (height, width) or (height, width, 3).

    Raises:
        UserError: ``env.rom_dir`` does not hold the game.
    """
    height, width = obs.height, obs.width
    if obs.resize == "none":
        height, width = screen_size(env)
        if obs.crop is not None:
            top, bottom, left, right = obs.crop
            height, width = bottom - top, right - left
        height, width = -(-height // obs.subsample), -(-width // obs.subsample)
    return (height, width, 3) if obs.color == "rgb" else (height, width)
