"""Statistics of scores over few runs: mean, median, IQM, and their intervals.

Agarwal et al. 2021, "Deep Reinforcement Learning at the Edge of the Statistical Precipice",
https://arxiv.org/abs/2108.13264: the interquartile mean (section 4.3), percentile intervals of a
bootstrap that resamples the runs of each game separately (section 4.1), and the probability of
improvement (section 4.3).

Scores are given as *strata*: one array per game, its last axis the runs. Games may have different
numbers of runs; every game has equal weight in the mean and the median, every run in the IQM.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]
Strata = Sequence[Numbers]

LEVEL: Final = 0.95
RESAMPLES: Final = 10_000
BAND_RESAMPLES: Final = 2_000  # resamples of whole curves
_LEVELS: Final = ((1 - LEVEL) / 2, (1 + LEVEL) / 2)


class Estimate(NamedTuple):
    """A number with its 95 % interval; the interval is NaN if unknown."""

    value: float
    low: float = np.nan
    high: float = np.nan


def mean(strata: Strata) -> Numbers:
    """The mean over games of the mean over runs."""
    return np.asarray(np.mean([stratum.mean(axis=-1) for stratum in strata], axis=0))


def median(strata: Strata) -> Numbers:
    """The median over games of the mean over runs; for one game, the median over runs."""
    if len(strata) == 1:
        return np.asarray(np.median(strata[0], axis=-1))
    return np.asarray(np.median([stratum.mean(axis=-1) for stratum in strata], axis=0))


def iqm(strata: Strata) -> Numbers:
    """The interquartile mean: over all runs pooled, without the best and the worst quarter.

    As in Agarwal et al., a quarter is rounded down: for fewer than 4 runs it is the mean.
    """
    pooled = np.sort(np.concatenate(strata, axis=-1), axis=-1)
    quarter = pooled.shape[-1] // 4
    return np.asarray(pooled[..., quarter : pooled.shape[-1] - quarter].mean(axis=-1))


def better(ours: Strata, theirs: Strata) -> Numbers:
    """The probability of improvement: that a run of ``ours`` beats a run of ``theirs``.

    The mean over games of P(X > Y) + P(X = Y) / 2, over all pairs of runs.
    """
    shares = []
    for x, y in zip(ours, theirs, strict=True):
        difference = x[..., :, None] - y[..., None, :]  # (..., our runs, their runs)
        shares.append(((np.sign(difference) + 1) / 2).mean(axis=(-2, -1)))
    return np.asarray(np.mean(shares, axis=0))


def estimate(
    strata: Strata, statistic: Callable[..., Numbers], against: Strata | None = None
) -> Estimate:
    """A statistic of the runs, with its interval; it has none without two runs of some game.

    The runs are resampled with replacement, within each game, with a fixed seed: the same runs give
    the same interval.

    Args:
        strata: The runs of a side.
        statistic: Function of the runs; with ``against``, of the runs of both sides.
        against: The runs of another side.
    """
    sides = [strata] if against is None else [strata, against]
    value = float(statistic(*sides))
    if min(max(stratum.size for stratum in side) for side in sides) < 2:
        return Estimate(value)
    generator = np.random.default_rng(0)
    draws = [
        [each[generator.integers(each.size, size=(RESAMPLES, each.size))] for each in side]
        for side in sides
    ]
    low, high = np.quantile(statistic(*draws), _LEVELS)
    return Estimate(value, float(low), float(high))


def difference(ours: Strata, theirs: Strata) -> Numbers:
    """How much higher the interquartile mean of ``ours`` is."""
    return iqm(ours) - iqm(theirs)


def band(curves: Numbers) -> tuple[Numbers, Numbers, Numbers]:
    """The mean of the runs' curves with its 95 % band, bootstrapped over whole curves.

    Args:
        curves: (runs, points); NaN where a run has no value.

    Returns:
        Mean, lower and upper bound, (points,) each: NaN where a run has no value. The bounds of a
        single run are NaN everywhere.
    """
    middle = curves.mean(axis=0)
    if len(curves) < 2:
        return middle, np.full_like(middle, np.nan), np.full_like(middle, np.nan)
    generator = np.random.default_rng(0)
    draws = generator.integers(len(curves), size=(BAND_RESAMPLES, len(curves)))
    low, high = np.quantile(curves[draws].mean(axis=1), _LEVELS, axis=0)
    return middle, low, high
