"""Settings of the observation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from models.ram import RAM_BYTES
from models.setting import ANY, Rule, between, distinct, one_of, option, optional, setting

_RESIZED: Final = {"resize": one_of("area", "nearest", "bilinear")}


@dataclass
class Observation:
    """Settings common to all observations."""

    name: str = option("")
    window: int = setting(3, between(1, 255), "observations in a state; 4 with `obs=pixel`")
    padding: str = setting(
        "zeros",
        one_of("zeros", "first"),
        "fills a window at an episode's start: zeros, as in keras-rl2, or the first observation",
    )
    zero_terminal_observation: bool = setting(
        False, ANY, "the observation after a game's last step is all zeros"
    )


@dataclass
class RamObservation(Observation):
    """The console's 128 bytes of RAM."""

    name: str = option("ram")
    bytes: list[int] | None = setting(
        None,
        optional(distinct(0, RAM_BYTES - 1)),
        "observe only these RAM bytes, in this order: `'obs.bytes=[99,101,72]'`; `null`: all",
    )


@dataclass
class PixelObservation(Observation):
    """The screen, processed by these settings in the order of the table."""

    name: str = option("pixel")
    window: int = setting(4, between(1, 255), "observations in a state (Mnih et al. 2015)")
    max_pool: bool = setting(
        True, ANY, "each pixel is the maximum of a step's last two frames; `false`: the last frame"
    )
    color: str = setting(
        "luma",
        one_of("luma", "mean", "rgb"),
        "grey with ALE's weights, grey as the mean of the three channels, or all three channels",
    )
    crop: list[int] | None = setting(
        None,
        Rule(
            lambda v: v is None or (len(v) == 4 and 0 <= v[0] < v[1] and 0 <= v[2] < v[3]),
            "null or [top,bottom,left,right] in pixels, top < bottom, left < right",
        ),
        "pixels of the screen, excluding bottom and right: `'obs.crop=[34,194,0,160]'`",
    )
    subsample: int = setting(1, between(1, 100), "keep every n-th row and column")
    resize: str = setting(
        "area",
        one_of("area", "nearest", "bilinear", "none"),
        "resize method to `obs.height` x `obs.width`",
    )
    height: int = setting(
        84,
        between(1, 4096),
        "height of the resized screen, pixels; 84 in Mnih et al. 2015, 42 with `model=small`",
        needs=_RESIZED,
    )
    width: int = setting(
        84, between(1, 4096), "width of the resized screen, pixels", needs=_RESIZED
    )


@dataclass
class BothObservation(PixelObservation):
    """The RAM and the screen in one vector: 128 bytes, then the pixels row by row."""

    name: str = option("both")
