"""Single states: the decisive bytes, and Q as a function of one byte."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from runner.evaluation import QFunction
from runner.explain.sample import Sample
from runner.importance import in_batches

DONORS: Final = 16  # other states that supply a byte's value
APART: Final = 40  # least distance between shown states, in sampled states
VALUES: Final = np.arange(0, 256, 4)  # of a byte, along a curve


@dataclass(frozen=True)
class Decisive:
    """A state in which the choice of the action matters.

    Attributes:
        number: Index of the state in the sample.
        inputs: Indices of the bytes that change its Q-values most, with the change in units of the
            Q-values.
    """

    number: int
    inputs: list[tuple[int, float]]


def decisive(
    q_values: QFunction, sample: Sample, inputs: Sequence[int], *, count: int, seed: int
) -> list[Decisive]:
    """States with the largest gap between best and worst action, separated in time.

    ``inputs`` are the bytes among which the most important ones of each state are found.
    """
    chosen = _apart(sample.gaps, count)
    if not inputs:  # a screen
        return [Decisive(number, []) for number in chosen]
    donors = np.random.default_rng(seed).integers(len(sample.windows), size=DONORS)
    found = []
    for number in chosen:
        changed = np.repeat(sample.windows[number][None], DONORS * len(inputs), axis=0)
        for k, i in enumerate(inputs):
            changed[k * DONORS : (k + 1) * DONORS, :, i] = sample.windows[donors, :, i]
        changes = np.abs(in_batches(q_values, changed) - sample.q_values[number]).mean(axis=-1)
        by_input = changes.reshape(len(inputs), DONORS).mean(axis=1)
        best = np.argsort(-by_input)[:4]
        found.append(Decisive(number, [(inputs[k], float(by_input[k])) for k in best]))
    return found


def _apart(gaps: NDArray[np.float32], count: int) -> list[int]:
    chosen: list[int] = []
    for number in np.argsort(-gaps, kind="stable").tolist():
        if all(abs(number - other) >= APART for other in chosen):
            chosen.append(number)
        if len(chosen) == count:
            break
    return chosen


def response(q_values: QFunction, window: NDArray[np.uint8], index: int) -> NDArray[np.float32]:
    """Q-values (len(VALUES), nb_actions) of one state with one byte at each of ``VALUES``.

    The byte is shifted in all observations of the window, so that its changes are preserved.

    Args:
        q_values: (B, window, n) uint8 -> (B, nb_actions).
        window: (window, n) uint8.
        index: Index of the byte.
    """
    states = np.repeat(window[None], len(VALUES), axis=0)
    moves = VALUES - int(window[-1, index])
    states[:, :, index] = (window[:, index].astype(np.int64) + moves[:, None]) % 256
    return in_batches(q_values, states)


def occlusion(q_values: QFunction, window: NDArray[np.uint8], patch: int) -> NDArray[np.float64]:
    """Change of Q if a square of the screen is occluded.

    Source: Zeiler and Fergus 2014, https://arxiv.org/abs/1311.2901 (section 4.2).

    Args:
        q_values: (B, window, height, width[, 3]) uint8 -> (B, nb_actions).
        window: (window, height, width[, 3]) uint8.
        patch: Side of the square, pixels.

    Returns:
        (height, width) mean absolute change, the same within each square.
    """
    _, height, width = window.shape[:3]
    paint = np.median(window, axis=(0, 1, 2)).astype(np.uint8)
    corners = [(y, x) for y in range(0, height, patch) for x in range(0, width, patch)]
    states = np.repeat(window[None], len(corners), axis=0)
    for state, (y, x) in zip(states, corners, strict=True):
        state[:, y : y + patch, x : x + patch] = paint
    true = in_batches(q_values, window[None])
    changes = np.abs(in_batches(q_values, states) - true).mean(axis=-1)
    squares = changes.reshape(len(range(0, height, patch)), -1)
    return np.kron(squares, np.ones((patch, patch)))[:height, :width]
