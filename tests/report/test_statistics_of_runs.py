"""Mean, median, IQM, intervals and bands, compared with SciPy and by hand."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import scipy.stats

from runner.report.statistics import band, better, difference, estimate, iqm, mean, median


def scores(*values: float) -> list[np.ndarray]:
    """Scores of one game."""
    return [np.array(values, float)]


@pytest.mark.parametrize(
    ("runs", "expected"),
    [
        ([7], 7),
        ([1, 2], 1.5),
        ([1, 2, 6], 3),  # a quarter of 3 runs rounds down to 0
        ([0, 1, 3, 100], 2),
        ([-50, 1, 2, 3, 100], 2),
        ([8, 7, 6, 5, 4, 3, 2, 1], 4.5),
        ([0, 0, 10, 20, 30, 40, 1000, 1000], 25),
    ],
)
def test_iqm_by_hand(runs, expected):
    assert iqm(scores(*runs)) == expected


@pytest.mark.parametrize("runs", range(1, 21))
def test_iqm_is_scipys_trimmed_mean(runs):
    values = np.random.default_rng(runs).normal(size=runs)
    assert iqm([values]) == pytest.approx(scipy.stats.trim_mean(values, 0.25))
    two_games = [values, values[::2] * 3]
    pooled = np.concatenate(two_games)
    assert iqm(two_games) == pytest.approx(scipy.stats.trim_mean(pooled, 0.25))


def test_mean_and_median_of_one_game_are_over_its_runs():
    assert mean(scores(1, 2, 9)) == 4
    assert median(scores(1, 2, 9)) == 2


def test_every_game_has_equal_weight_in_mean_and_median():
    games = [np.array([0.0, 2.0]), np.array([10.0]), np.array([4.0, 4.0, 4.0, 4.0])]
    assert mean(games) == (1 + 10 + 4) / 3
    assert median(games) == 4


@pytest.mark.parametrize("runs", [(3.0, 8.0), (3.0, 8.0, 5.0)])
def test_the_interval_of_two_or_three_runs_spans_them(runs):
    """All draws are the worst run with probability 1/4 or 1/27: more than 2.5 %."""
    found = estimate(scores(*runs), mean)
    assert (found.low, found.high) == (min(runs), max(runs))


def test_the_interval_of_four_runs_uses_all_draws():
    runs = (0.0, 1.0, 2.0, 4.0)
    means = [np.mean(draw) for draw in itertools.product(runs, repeat=4)]
    found = estimate(scores(*runs), mean)
    assert (found.low, found.high) == tuple(np.quantile(means, [0.025, 0.975]))


def test_one_run_has_no_interval():
    found = estimate(scores(5), iqm)
    assert found.value == 5
    assert np.isnan([found.low, found.high]).all()


STATISTICS = {
    "mean": (mean, np.mean),
    "median": (median, np.median),
    "iqm": (iqm, lambda x, axis: scipy.stats.trim_mean(x, 0.25, axis=axis)),
}


@pytest.mark.parametrize("name", STATISTICS)
def test_intervals_are_scipys_percentile_bootstrap(name):
    ours, theirs = STATISTICS[name]
    runs = np.random.default_rng(0).gamma(3, 100, size=15)
    found = estimate([runs], ours)
    expected = scipy.stats.bootstrap(
        (runs,), theirs, method="percentile", n_resamples=20_000, rng=np.random.default_rng(1)
    ).confidence_interval
    off = 0.03 * (expected.high - expected.low)  # both are random
    assert found.low == pytest.approx(expected.low, abs=off)
    assert found.high == pytest.approx(expected.high, abs=off)


def test_bootstrap_draws_runs_within_each_game():
    """Drawn from both games together, the mean would vary from 0 to 1."""
    found = estimate([np.zeros(5), np.ones(5)], mean)
    assert (found.value, found.low, found.high) == (0.5, 0.5, 0.5)


def test_the_same_runs_give_the_same_interval():
    runs = np.random.default_rng(0).normal(size=6)
    assert estimate([runs], iqm) == estimate([runs], iqm)


def test_chance_to_beat_is_mann_and_whitneys():
    generator = np.random.default_rng(0)
    ours, theirs = generator.integers(5, size=7) * 1.0, generator.integers(6, size=9) * 1.0
    expected = scipy.stats.mannwhitneyu(ours, theirs).statistic / (7 * 9)
    assert better([ours], [theirs]) == pytest.approx(expected)
    assert better([ours, theirs], [theirs, ours]) == pytest.approx(0.5)


def test_chance_to_beat_by_hand():
    assert better(scores(1, 5), scores(0, 5)) == (1 + 0 + 1 + 0.5) / 4


def test_the_difference_of_two_sides():
    generator = np.random.default_rng(0)
    ours, theirs = generator.normal(10, 1, size=12), generator.normal(8, 1, size=10)
    found = estimate([ours], difference, [theirs])
    assert found.value == pytest.approx(iqm([ours]) - iqm([theirs]))
    expected = scipy.stats.bootstrap(
        (ours, theirs),
        lambda x, y, axis: (
            scipy.stats.trim_mean(x, 0.25, axis=axis) - scipy.stats.trim_mean(y, 0.25, axis=axis)
        ),
        method="percentile",
        n_resamples=20_000,
        rng=np.random.default_rng(1),
    ).confidence_interval
    off = 0.03 * (expected.high - expected.low)
    assert found.low == pytest.approx(expected.low, abs=off)
    assert found.high == pytest.approx(expected.high, abs=off)


def test_one_run_of_a_side_gives_no_interval_of_the_difference():
    assert np.isnan(estimate(scores(1, 2, 3), difference, scores(5)).low)


def test_bands_are_scipys_bootstrap_at_every_point():
    curves = np.random.default_rng(0).gamma(3, 100, size=(9, 20))  # runs, points
    middle, low, high = band(curves)
    np.testing.assert_allclose(middle, curves.mean(axis=0))
    expected = scipy.stats.bootstrap(
        (curves,), np.mean, axis=0, method="percentile", rng=np.random.default_rng(1)
    ).confidence_interval
    off = 0.08 * (expected.high - expected.low)  # sampling error of 2,000 resamples
    assert (np.abs(low - expected.low) < off).all()
    assert (np.abs(high - expected.high) < off).all()


def test_the_band_of_one_run_is_unknown():
    middle, low, high = band(np.array([[1.0, 2.0]]))
    assert middle.tolist() == [1, 2]
    assert np.isnan([low, high]).all()


def test_coverage_of_95_percent_intervals_of_20_runs():
    """The percentile bootstrap is known to be a little too narrow."""
    generator = np.random.default_rng(0)
    held = 0
    for _ in range(200):
        found = estimate([generator.normal(3, 1, size=20)], mean)
        held += found.low <= 3 <= found.high
    assert 0.89 <= held / 200 <= 0.98
