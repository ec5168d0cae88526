"""The sum tree compared with prefix sums."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runner.memory.sum_tree import FANOUT, SumTree

SIZES = [1, 2, FANOUT, FANOUT + 1, FANOUT**2, FANOUT**2 + 5, 3 * FANOUT**2]


def grown(size, generator, rounds=5):
    """A tree filled in several rounds; about half of its weights are 0."""
    tree, weights = SumTree(size), np.zeros(size, np.float32)
    for _ in range(rounds):
        places = generator.integers(size, size=max(size // 3, 1))
        values = (generator.random(len(places)) * (generator.random(len(places)) < 0.5)).astype(
            "f4"
        )
        tree.set(places, values)
        for place, value in zip(places, values, strict=True):
            weights[place] = value  # duplicate index: the last value wins
    tree.set(np.array([size - 1]), 1.0)
    weights[size - 1] = 1.0
    return tree, weights


@pytest.mark.parametrize("size", SIZES)
def test_search_by_prefix_sum(size):
    generator = np.random.default_rng(size)
    tree, weights = grown(size, generator)
    np.testing.assert_array_equal(tree.weights, weights)
    sums = np.array(list(itertools.accumulate(weights.tolist())))
    np.testing.assert_allclose(tree.total, sums[-1], rtol=1e-12)
    targets = generator.random(200) * sums[-1]
    # Excludes targets so close to a border that rounding could decide.
    targets = targets[np.abs(targets[:, None] - sums).min(axis=1) > 1e-9 * sums[-1]]
    assert targets.size or size == 1
    expected = [next(i for i, total in enumerate(sums) if total > t) for t in targets]
    assert tree.find(targets).tolist() == expected


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    weights=st.lists(
        st.sampled_from([0.0, 1.2e-38, 1e-20, 1e-7, 0.1, 1.0, 1 / 3, 1e10, 3e30]),
        min_size=1, max_size=3 * FANOUT,
    ),
    at=st.lists(st.floats(0, 1), min_size=1, max_size=20),
)  # fmt: skip
def test_zero_weights_are_never_sampled(weights, at):
    """For any rounding, up to and including the total."""
    if not any(weights):
        weights = [*weights, 1.0]
    tree = SumTree(len(weights))
    tree.set_all(np.array(weights, np.float32))
    found = tree.find(np.array([0.0, *at, 1.0]) * tree.total)
    assert (tree.weights[found] > 0).all()


@pytest.mark.parametrize("size", SIZES)
def test_a_rebuilt_tree_is_bit_identical(size):
    """A tree rebuilt from its weights, as in a resumed run, is bit-identical."""
    generator = np.random.default_rng(7)
    tree, weights = grown(size, generator, rounds=20)
    rebuilt = SumTree(size)
    rebuilt.set_all(weights)
    assert rebuilt.total == tree.total
    targets = generator.random(500) * tree.total
    np.testing.assert_array_equal(rebuilt.find(targets), tree.find(targets))
    for ours, theirs in zip(tree._levels, rebuilt._levels, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_an_empty_tree_sums_to_0():
    assert SumTree(5000).total == 0.0


@pytest.mark.parametrize("size", [100_000, 1_000_000])
def test_bytes_per_weight(size):
    assert SumTree(size).nbytes / size < 4.5
