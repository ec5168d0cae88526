"""Measures of an agent, on networks with known inputs."""

from __future__ import annotations

import re

import cv2
import numpy as np
import pytest

from runner.explain.frozen import Score, freeze
from runner.explain.page import Byte, heated, in_short
from runner.explain.sample import Sample, draw_sample
from runner.explain.states import VALUES, decisive, occlusion, response
from runner.importance import correlation, importance_of_bytes, pairs
from runner.report.pages import png, rendered

BALL, PADDLE, NOISE = 3, 5, 7


@pytest.fixture(scope="module")
def windows():
    """(512, 2, 10): a random ball, a paddle near it, noise, and seven constants."""
    generator = np.random.default_rng(0)
    states = np.full((512, 2, 10), 9, np.uint8)
    ball = generator.integers(60, 190, 512)
    states[:, :, BALL] = ball[:, None]
    states[:, :, PADDLE] = (ball + generator.integers(-20, 21, 512))[:, None]
    states[:, :, NOISE] = generator.integers(0, 256, 512)[:, None]
    return states


def follows_the_ball(states):
    """Q of LEFT and RIGHT: distance of the ball to the left and to the right of the paddle."""
    newest = states[:, -1].astype(np.float32)
    right = newest[:, BALL] - newest[:, PADDLE]
    return np.stack([-right, right], axis=-1)


def test_only_bytes_that_are_read_change_q(windows):
    found = importance_of_bytes(follows_the_ball, windows, seed=0)
    assert set(found.order()) == {BALL, PADDLE}
    assert found.agreement[NOISE] == found.agreement[0] == 1.0
    assert found.agreement[BALL] < 0.7


def test_the_unit_is_the_gap_between_the_best_and_the_worst_action(windows):
    found = importance_of_bytes(follows_the_ball, windows, seed=0)
    doubled = importance_of_bytes(lambda s: 2 * follows_the_ball(s), windows, seed=0)
    np.testing.assert_allclose(doubled.change, found.change, rtol=1e-5)


def test_related_bytes_matter_less_when_permuted_together(windows):
    first, *others = pairs(follows_the_ball, windows, [BALL, NOISE, PADDLE], seed=0)
    assert {first.first, first.second} == {BALL, PADDLE}
    assert first.kept > 0.5
    assert all(pair.kept < 0.1 for pair in others)


def test_a_frozen_byte_is_hidden_from_the_network_only(windows):
    before = windows.copy()
    blind = freeze(follows_the_ball, BALL, 100)(windows)
    np.testing.assert_array_equal(blind[:, 1], 100.0 - windows[:, -1, PADDLE])
    np.testing.assert_array_equal(windows, before)


@pytest.mark.parametrize(
    ("one", "other", "meet"),
    [
        ((1, 3), (2, 4), True),
        ((1, 2), (3, 4), False),
        ((3, 4), (1, 2), False),
        (None, (1, 2), None),
    ],
)
def test_overlap_of_two_scores(one, other, meet):
    assert Score(0, one, 9).overlaps(Score(0, other, 9)) is meet


def test_shown_states_have_the_largest_gaps_and_lie_apart(windows):
    q = follows_the_ball(windows)
    sample = Sample(windows, q, [b""] * 512, ["LEFT", "RIGHT"], 1)
    found = decisive(follows_the_ball, sample, [BALL, PADDLE, NOISE], count=3, seed=0)
    numbers = [each.number for each in found]
    assert numbers[0] == sample.gaps.argmax()
    assert min(abs(a - b) for i, a in enumerate(numbers) for b in numbers[:i]) >= 40
    assert {i for i, change in found[0].inputs if change > 0} == {BALL, PADDLE}


def test_limits_of_training_do_not_end_the_sampled_games(load):
    config = load("env=pong", "obs=ram", "env.max_steps=5")

    def nothing(states):
        return np.zeros((len(states), 6), np.float32)

    sample = draw_sample(nothing, config, states=8, seed=0, tell=lambda done: None)
    assert (len(sample.windows), sample.games) == (8, 1)


def test_a_curve_moves_the_byte_and_its_history_alike(windows):
    seen = []

    def keeps(states):
        seen.append(states)
        return follows_the_ball(states)

    state = windows[0].copy()
    state[0, BALL], state[1, BALL] = 250, 2  # moves by 8, across 255
    curve = response(keeps, state, BALL)
    np.testing.assert_array_equal(curve[:, 1], VALUES - float(state[1, PADDLE]))
    moved = seen[0][: len(VALUES), :, BALL].astype(int)
    np.testing.assert_array_equal((moved[:, 1] - moved[:, 0]) % 256, 8)


def test_occlusion_shows_where_the_agent_looks():
    screen = np.zeros((2, 12, 18), np.uint8)
    screen[-1, 7, 13] = 200

    def looks(states):
        spot = states[:, -1, 7, 13].astype(np.float32)
        return np.stack([spot, -spot], axis=-1)

    heat = occlusion(looks, screen, 6)
    assert heat.shape == (12, 18)
    assert (heat > 0)[6:12, 12:18].all()
    assert np.count_nonzero(heat) == 36


def test_occlusion_is_drawn_where_the_agent_looks_on_a_cropped_screen():
    heat = np.zeros((2, 4))
    heat[1, 3] = 1.0
    drawn = heated(png(np.full((21, 16, 3), 200, np.uint8)), heat, [5, 19, 0, 16])
    red = cv2.imdecode(np.frombuffer(drawn, np.uint8), cv2.IMREAD_COLOR)[..., 2] > 200
    assert np.argwhere(red).min(axis=0).tolist() == [12, 12]
    assert np.argwhere(red).max(axis=0).tolist() == [18, 15]


def test_findings_say_whether_the_score_falls_or_rises():
    """A byte may mislead the agent: without it, the score is better."""
    everything = Score(10.0, (9.0, 11.0), 16)
    scores = [Score(5.0, (4.0, 6.0), 16), Score(20.0, (18.0, 22.0), 16), Score(10.5, (9, 12), 16)]
    bytes_ = [Byte(i, f"b{i}", 1.0, 1.0, i, score, 0.0) for i, score in enumerate(scores)]
    said = in_short(bytes_, [], everything)
    assert said[1:4] == [
        "The score falls from 10.0 with one byte frozen: b0 (5.0).",
        "The score rises from 10.0 with one byte frozen: b1 (20.0).",
        "Frozen individually, these leave the score within its interval: b2.",
    ]


@pytest.mark.parametrize("addresses", [range(128), [99, 101]])
def test_the_grid_shows_addresses(addresses):
    """With ``obs.bytes`` they differ from the positions in the observation."""
    everything = Score(10.0, None, 1)
    bytes_ = [Byte(i, "", 1.0, 1.0, 1.0, None, None) for i in range(len(addresses))]
    page = rendered(
        "explain/explain.html", title="", about="", answers=[], bytes=bytes_, addresses=addresses,
        top=[], everything=everything, labels=str, pairs=[], states=[], curves=[],
    )  # fmt: skip
    cells = re.findall(r"<td data-change.*?<span>(\d+)</span></td>", page)
    assert [int(cell) for cell in cells] == list(addresses)
    assert ("Bytes by address" in page) == (">+15<" in page) == (len(addresses) == 128)


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ([1, 2, 3], [10, 20, 30], 1),
        ([1, 2, 3], [3, 2, 1], -1),
        ([1, 2, 3], [5, 5, 5], 0),
        ([1, 2, 3, 0, 0], [3, 2, 1, 0, 0], -1),  # bytes unimportant in both maps are ignored
    ],
)
def test_maps_are_compared_over_important_bytes(one, other, expected):
    assert correlation(np.array(one), np.array(other)) == pytest.approx(expected)
