"""Renders the page of an agent."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from runner.explain.frozen import Score
from runner.explain.sample import Sample
from runner.explain.states import VALUES, Decisive
from runner.importance import Importance, Pair, correlation
from runner.report.pages import data_uri, png

FIRST: Final = 8  # bytes compared with those of random weights
WIDTH, HEIGHT = 300, 130  # of a response curve, in SVG units


@dataclass(frozen=True)
class Byte:
    """One cell of the grid and one row of the table.

    Attributes:
        index: Position in the observation.
        label: Name (if any) and address.
        change: See ``Importance``.
        agreement: See ``Importance``.
        untrained: ``change`` of the same network with random weights.
        score: Score of games with the byte frozen; None: not played.
        lost: Share of the score lost with the byte frozen, 0 to 1; None: not played.
    """

    index: int
    label: str
    change: float
    agreement: float
    untrained: float
    score: Score | None
    lost: float | None


def bytes_of(
    importance: Importance,
    untrained: NDArray[np.float64],
    labels: Callable[[int], str],
    everything: Score,
    frozen: dict[int, Score],
    worst: float,
) -> list[Byte]:
    """Collects the results for each byte.

    Args:
        importance: Importance of all bytes.
        untrained: (n,) ``Importance.change`` of the network with random weights.
        labels: Maps a byte to its label.
        everything: The score with no byte frozen.
        frozen: Scores by byte.
        worst: Score of random play, taken as a loss of 1.
    """
    span = max(everything.mean - worst, 1e-9)
    lost = {
        i: min(max((everything.mean - score.mean) / span, 0.0), 1.0) for i, score in frozen.items()
    }
    measures = np.stack([importance.change, importance.agreement, untrained], axis=1).tolist()
    return [
        Byte(i, labels(i), change, agreement, by_chance, frozen.get(i), lost.get(i))
        for i, (change, agreement, by_chance) in enumerate(measures)
    ]


def state(
    found: Decisive, sample: Sample, labels: Callable[[int], str], overlay: bytes | None = None
) -> dict[str, Any]:
    """A decisive state for the template: screen, Q-values as bars, decisive bytes."""
    q = sample.q_values[found.number]
    return {
        "screen": data_uri(sample.screens[found.number] if overlay is None else overlay),
        "q": dict(zip(sample.actions, q.tolist(), strict=True)),
        "best": sample.actions[int(q.argmax())],
        "bytes": [
            (labels(i), int(sample.windows[found.number, -1, i]), change)
            for i, change in found.inputs
        ],
    }


def heated(screen: bytes, changes: NDArray[np.float64], crop: Sequence[int] | None) -> bytes:
    """A PNG screen with the result of ``occlusion`` overlaid in red.

    Args:
        screen: PNG of the full screen.
        changes: Any size; of the observed part of the screen.
        crop: This part: top, bottom, left, right; None: all of it.
    """
    decoded: Any = cv2.imdecode(np.frombuffer(screen, np.uint8), cv2.IMREAD_COLOR)
    rgb = cv2.cvtColor(decoded, cv2.COLOR_BGR2RGB).astype(np.float64)
    top, bottom, left, right = crop or (0, rgb.shape[0], 0, rgb.shape[1])
    heat = np.zeros(rgb.shape[:2])
    heat[top:bottom, left:right] = cv2.resize(
        changes / max(float(changes.max()), 1e-9),
        (right - left, bottom - top),
        interpolation=cv2.INTER_NEAREST,
    )
    red = np.array([255.0, 40.0, 0.0])
    share = 0.65 * heat[..., None]
    return png((rgb * 0.8 * (1 - share) + red * share).astype(np.uint8))


def curve(label: str, q: NDArray[np.float32], actions: Sequence[str], here: int) -> dict[str, Any]:
    """Q of every action against one byte, as the lines of an SVG.

    Args:
        label: Label of the byte.
        q: (len(VALUES), nb_actions).
        actions: Names of the actions.
        here: The byte's value in the state.
    """
    low, span = float(q.min()), max(float(np.ptp(q)), 1e-9)
    x = VALUES / 255 * WIDTH
    y = HEIGHT - (q - low) / span * HEIGHT
    best = set(q.argmax(axis=-1).tolist())
    return {
        "label": label,
        "lines": {
            name: " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(x, y[:, k], strict=True))
            for k, name in enumerate(actions)
            if k in best
        },
        "here": here / 255 * WIDTH,
        "low": low,
        "high": low + span,
    }


def in_short(bytes_: Sequence[Byte], pairs: Sequence[Pair], everything: Score) -> list[str]:
    """The page's findings as sentences."""
    ranked = sorted(bytes_, key=lambda byte: -byte.change)
    used = [byte for byte in ranked if byte.change > 0]
    half = np.cumsum([byte.change for byte in used])
    enough = int(np.searchsorted(half, 0.5 * half[-1])) + 1 if used else 0
    said = [
        f"{len(used)} of {len(bytes_)} bytes change the Q-values at all; {enough} of them cause "
        f"half of the change: {', '.join(byte.label for byte in used[:enough][:8])}."
    ]
    played = [(byte.label, byte.score) for byte in bytes_ if byte.score is not None]
    for verb, rises in (("falls", False), ("rises", True)):
        names = ", ".join(
            f"{name} ({score.mean:.1f})"
            for name, score in played
            if score.overlaps(everything) is False and (score.mean > everything.mean) == rises
        )
        if names:
            change = f"{verb} from {everything.mean:.1f}"
            said.append(f"The score {change} with one byte frozen: {names}.")
    harmless = [name for name, score in played if score.overlaps(everything)]
    if harmless:
        names = ", ".join(harmless)
        said.append(f"Frozen individually, these leave the score within its interval: {names}.")
    close = [pair for pair in pairs if pair.kept >= 0.25][:3]
    if close:
        label = {byte.index: byte.label for byte in bytes_}
        names = "; ".join(f"{label[p.first]} with {label[p.second]}" for p in close)
        said.append(f"Read in relation to each other: {names}.")
    top = {byte.index for byte in used[:FIRST]}
    first = sorted(bytes_, key=lambda byte: -byte.untrained)[:FIRST]
    by_chance = {byte.index for byte in first}
    alike = correlation(*np.array([[byte.change, byte.untrained] for byte in bytes_]).T)
    said.append(
        f"Control: with random weights {len(top & by_chance)} of the "
        f"{FIRST} most important bytes are the same, and the maps have correlation {alike:.2f}."
    )
    return said
