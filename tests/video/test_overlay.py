"""Overlays of a game: Q-value bars, the value, and important bytes."""

from __future__ import annotations

import dataclasses

import av
import numpy as np
import pytest

from runner.evaluation import evaluate
from runner.overlays import _matters, with_overlay, with_own_overlay
from runner.video.files import write_videos
from runner.video.overlay import Overlay
from runner.video.picture import BAR, CELL, HEAT, LARGE, SMALL, TAKEN

SIZES = pytest.mark.parametrize("size", [LARGE, SMALL], ids=["large", "small"])


@pytest.fixture
def overlay():
    matters = np.zeros((3, 128), np.float32)
    matters[1, 17], matters[1, 18] = 1.0, 0.1
    q = np.array([[0, 1, 2], [0, 4, 8], [2, 1, 0]], np.float32)
    return Overlay(["NOOP", "UP", "RIGHTFIRE"], np.array([2, 2, 0], np.int32), q, matters)


@SIZES
def test_a_panel_has_the_height_of_the_picture(overlay, size):
    panel = overlay.panel(0, size)
    assert panel.shape == (size.height + size.strip, overlay.width(size))
    assert overlay.width(size) % 2 == 0


@SIZES
def test_bar_lengths_show_q_values(overlay, size):
    panel = overlay.panel(1, size)
    taken = (panel == TAKEN).sum(axis=1).max()
    others = sorted(set((panel == BAR).sum(axis=1)) - {0})
    assert others[0] == 2  # the lowest Q-value
    assert others[-1] == pytest.approx(taken / 2, abs=2)


@SIZES
def test_important_bytes_are_highlighted(overlay, size):
    lit = overlay.panel(1, size)
    assert (lit == CELL).any()
    rows, columns = np.nonzero(lit == HEAT[0])
    bright_rows, bright_columns = np.nonzero(
        (lit == HEAT[-1]) & (np.arange(len(lit)) > 100)[:, None]
    )
    assert set(rows) <= set(bright_rows)  # 17 and 18 share a row of the grid
    assert columns.min() > bright_columns.min()
    assert not np.isin(overlay.panel(0, size)[len(lit) // 2 :], HEAT[:-1]).any()


def test_screen_agents_have_no_byte_grid(overlay):
    panel = dataclasses.replace(overlay, matters=None).panel(0, LARGE)
    assert not np.isin(panel, [CELL, *HEAT[:-1]]).any()


def test_an_agents_overlay_has_the_q_values_that_it_acted_on(load):
    from runner.agent.build import make_model
    from runner.agent.dqn import q_function

    config = load("env=pong", "obs=ram", "env.max_frames=200", "eval.episodes=1", "eval.epsilon=0",
                  "model.hidden=[16]")  # fmt: skip
    model = make_model(config, (128,), 6)
    played = []
    evaluate(q_function(model, jit_compile=False), config, seed=0, best_game=played.append)
    assert with_own_overlay(config, played[0]).overlay is None  # weights unknown
    recording = dataclasses.replace(played[0], weights=model.get_weights())
    overlay = with_own_overlay(config, recording).overlay
    np.testing.assert_array_equal(overlay.q_values.argmax(axis=-1), recording.actions)
    assert len(overlay.matters) == len(recording.actions)


@pytest.mark.parametrize("steps", [256, 4096, 10_000])
def test_every_step_of_a_long_game_has_its_bytes(load, steps):
    states = np.random.default_rng(0).integers(256, size=(steps, 1, 128), dtype=np.uint8)
    matters = _matters(lambda seen: seen[:, -1, [7, 9]].astype(np.float32), states, load())
    assert matters.shape == (steps, 128)
    assert set(np.flatnonzero(matters.sum(axis=0))) == {7, 9}


@pytest.mark.slow
def test_a_replay_is_drawn_with_the_agents_q_values(load, tmp_path):
    config = load("env=pong", "obs=ram", "env.max_frames=400", "eval.episodes=1", "eval.epsilon=0")

    def follows(states):  # up or down, towards the ball
        above = states[:, -1, 54].astype(np.float32) - states[:, -1, 51]
        return np.stack([0 * above, 0 * above, -above, above, 0 * above, 0 * above], axis=-1)

    played = []
    evaluate(follows, config, seed=0, best_game=played.append)
    recording = with_overlay(played[0], follows, config)
    np.testing.assert_array_equal(recording.overlay.q_values.argmax(axis=-1), recording.actions)
    most = recording.overlay.matters.sum(axis=0)
    assert set(np.flatnonzero(most)) <= {51, 54}
    write_videos(recording, tmp_path / "game.mp4", tmp_path / "game.gif", 4.0, lambda share: None)
    for name in ("game.mp4", "game.gif"):
        with av.open(str(tmp_path / name)) as file:
            width = file.streams.video[0].width
        assert width == LARGE.width + recording.overlay.width(LARGE)
