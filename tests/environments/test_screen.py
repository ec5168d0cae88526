"""Screen observations of a real game, compared with NumPy one-liners."""

from __future__ import annotations

import numpy as np
import pytest

from runner.environments.atari import AtariGame

SHAPES = {
    "whole": ((), (42, 42)),
    "nature": (("model=nature",), (84, 84)),
    "raw": (("obs=raw",), (210, 160, 3)),
    "rgb": (("obs.color=rgb",), (42, 42, 3)),
    "rgb, every second": (("obs=raw", "obs.subsample=2"), (105, 80, 3)),
    "part": (("obs.crop=[34,194,8,152]", "obs.resize=none"), (160, 144)),
    "every third of a part": (
        ("obs.crop=[34,194,8,152]", "obs.subsample=3", "obs.resize=none"),
        (54, 48),
    ),
    "tutorial 3": (
        ("obs.color=mean", "obs.subsample=2", "obs.resize=none", "obs.max_pool=false"),
        (105, 80),
    ),
    "tutorial 4": (("obs.crop=[34,194,0,160]", "obs.resize=nearest"), (42, 42)),
}


@pytest.fixture
def make_game(load):
    def make(*overrides):
        config = load("env=breakout", "obs=pixel", *overrides)
        game = AtariGame(config.env, config.obs)
        game.reset(seed=0)
        return game

    return make


@pytest.fixture
def seen(make_game):
    """An observation after 50 steps, and the emulator's RGB and grey screens at that moment.

    The frame skip is 1, so that nothing is pooled unless a test says so.
    """

    def see(*overrides):
        game = make_game("env.frame_skip=1", *overrides)
        for action in [1] * 5 + [2, 3] * 30:
            observation, *_ = game.step(action)
        return observation, game.ale.getScreenRGB(), game.ale.getScreenGrayscale()

    return see


@pytest.mark.parametrize(("overrides", "shape"), SHAPES.values(), ids=SHAPES)
def test_output_shapes_are_known(make_game, overrides, shape):
    game = make_game(*overrides)
    observation, *_ = game.step(1)
    assert game.observation_space.shape == observation.shape == shape
    assert observation.dtype == np.uint8
    assert observation.flags.c_contiguous
    assert not np.shares_memory(observation, game._newer)


def test_raw_screens(seen):
    observation, rgb, _ = seen("obs=raw")
    np.testing.assert_array_equal(observation, rgb)


def test_luma_is_ales_grey(seen):
    observation, _, grey = seen("obs.resize=none")
    np.testing.assert_array_equal(observation, grey)


def test_mean_is_the_mean_of_the_channels_rounded_down(seen):
    observation, rgb, grey = seen("obs.resize=none", "obs.color=mean")
    np.testing.assert_array_equal(observation, np.mean(rgb, axis=2).astype(np.uint8))
    assert (observation != grey).any()


@pytest.mark.parametrize("color", ["luma", "mean", "rgb"])
def test_crop_and_every_nth(seen, color):
    observation, rgb, grey = seen(
        "obs.resize=none", f"obs.color={color}", "obs.crop=[34,194,8,152]", "obs.subsample=3"
    )
    of_color = {"luma": grey, "mean": np.mean(rgb, axis=2).astype(np.uint8), "rgb": rgb}[color]
    np.testing.assert_array_equal(observation, of_color[34:194:3, 8:152:3])


def test_nearest_takes_single_pixels(seen):
    observation, _, grey = seen("obs.crop=[34,194,0,160]", "obs.resize=nearest")
    nearest = np.arange(42) * 160 // 42
    np.testing.assert_array_equal(observation, grey[34:194][np.ix_(nearest, nearest)])


def test_area_averages_the_covered_pixels(seen):
    observation, _, grey = seen("obs.height=105", "obs.width=40")
    blocks = grey.reshape(105, 2, 40, 4).mean(axis=(1, 3))
    assert np.abs(observation - blocks).max() <= 0.5  # rounded


def test_bilinear_weighs_the_two_nearest_rows_and_columns(seen):
    """At half size, a pixel's centre lies between two source pixels: the result is their mean."""
    observation, _, grey = seen("obs.height=105", "obs.width=80", "obs.resize=bilinear")
    blocks = grey.reshape(105, 2, 80, 2).mean(axis=(1, 3))
    assert np.abs(observation - blocks).max() <= 1  # OpenCV's fixed-point weights


@pytest.mark.parametrize("color", ["luma", "rgb"])
def test_max_pool_is_of_the_last_two_frames(make_game, color):
    rules = ["env.repeat_action_probability=0", f"obs.color={color}", "obs.resize=none"]
    single = make_game(*rules, "env.frame_skip=1")
    pooled, last = make_game(*rules), make_game(*rules, "obs.max_pool=false")
    differs = 0
    for action in [1] * 3 + [2, 3] * 20:
        frames = [single.step(action)[0] for _ in range(4)]
        np.testing.assert_array_equal(pooled.step(action)[0], np.maximum(frames[-2], frames[-1]))
        np.testing.assert_array_equal(last.step(action)[0], frames[-1])
        differs += (frames[-2] != frames[-1]).any()
    assert differs > 10


def test_screens_of_another_height(load):
    config = load("env=pooyan", "obs=raw")
    game = AtariGame(config.env, config.obs)
    assert game.reset(seed=0)[0].shape == game.observation_space.shape == (220, 160, 3)


def test_selected_bytes_keep_their_order(load):
    whole, some = (load("env=breakout", *more) for more in ([], ["obs.bytes=[99,101,72]"]))
    games = [AtariGame(config.env, config.obs) for config in (whole, some)]
    for game in games:
        game.reset(seed=0)
    assert games[1].observation_space.shape == (3,)
    seen = []
    for action in [1] * 3 + [2, 3] * 20:
        ram, masked = (game.step(action)[0] for game in games)
        np.testing.assert_array_equal(masked, ram[[99, 101, 72]])
        seen.append(tuple(masked.tolist()))
    assert len(set(seen)) > 10


def test_ram_and_screen_in_one_vector(load):
    configs = [load("env=breakout", f"obs={obs}") for obs in ("ram", "pixel", "both")]
    ram, screen, both = (AtariGame(config.env, config.obs) for config in configs)
    for game in (ram, screen, both):
        game.reset(seed=0)
    assert both.observation_space.shape == (128 + 42 * 42,)
    for action in [1] * 3 + [2, 3] * 5:
        parts = [game.step(action)[0].ravel() for game in (ram, screen)]
        np.testing.assert_array_equal(both.step(action)[0], np.concatenate(parts))


@pytest.mark.parametrize("obs", ["ram", "pixel", "raw", "both"])
@pytest.mark.parametrize("how", ["game over", "cut off"])
def test_blank_last_line(load, obs, how):
    limit = "env.max_frames=100" if how == "cut off" else "env.max_frames=20000"
    config = load(
        "env=breakout",
        f"obs={obs}",
        "obs.zero_terminal_observation=true",
        "env.fire_at_start=true",
        limit,
    )
    game = AtariGame(config.env, config.obs)
    game.reset(seed=0)
    over = False
    while not over:
        observation, _, terminated, truncated, _ = game.step(0)
        over = terminated or truncated
        assert observation.any() != over
    assert terminated == (how == "game over")
    assert game.reset()[0].any()
