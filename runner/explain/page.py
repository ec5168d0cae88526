"""Renders the page of an agent."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import cv2
import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from runner.explain.frozen import Score
from runner.explain.sample import Sample, png
from runner.explain.states import VALUES, Decisive
from runner.importance import Importance, Pair, correlation

FIRST: Final = 8  # bytes compared with those of random weights
COLUMNS: Final = 16  # of the byte grid: 8 rows of 16
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
    found = []
    columns = zip(importance.change, importance.agreement, untrained, strict=True)
    for i, (change, agreement, by_chance) in enumerate(columns):
        score = frozen.get(i)
        lost = None if score is None else min(max((everything.mean - score.mean) / span, 0.0), 1.0)
        found.append(
            Byte(i, labels(i), float(change), float(agreement), float(by_chance), score, lost)
        )
    return found


def grid(bytes_: Sequence[Byte]) -> list[list[dict[str, Any]]]:
    """Rows of cells, each with shades (0 to 1, relative to the largest value) by measure."""
    largest = max((byte.change for byte in bytes_), default=0.0) or 1.0
    by_chance = max((byte.untrained for byte in bytes_), default=0.0) or 1.0
    cells = [
        {
            "byte": byte,
            "shades": {
                "change": byte.change / largest,
                "agreement": 1.0 - byte.agreement,
                "score": byte.lost,
                "untrained": byte.untrained / by_chance,
            },
        }
        for byte in bytes_
    ]
    return [cells[i : i + COLUMNS] for i in range(0, len(cells), COLUMNS)]


def image(data: bytes) -> str:
    """A PNG file as the source of an ``img``."""
    return f"data:image/png;base64,{base64.b64encode(data).decode()}"


def state(
    found: Decisive, sample: Sample, labels: Callable[[int], str], overlay: bytes | None = None
) -> dict[str, Any]:
    """A decisive state for the template: screen, Q-values as bars, decisive bytes."""
    q = sample.q_values[found.number]
    low, span = float(q.min()), max(float(np.ptp(q)), 1e-9)
    bars = [
        {"action": name, "q": float(value), "share": (float(value) - low) / span}
        for name, value in zip(sample.actions, q, strict=True)
    ]
    values = [
        {"label": labels(i), "value": int(sample.windows[found.number, -1, i]), "change": change}
        for i, change in found.inputs
    ]
    shown = sample.screens[found.number] if overlay is None else overlay
    return {"screen": image(shown), "bars": bars, "best": int(q.argmax()), "bytes": values}


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
    lines = [
        {
            "action": name,
            "points": Markup(" ".join(f"{a:.1f},{b:.1f}" for a, b in zip(x, y[:, k], strict=True))),
        }
        for k, name in enumerate(actions)
    ]
    best = {actions[k] for k in q.argmax(axis=-1)}
    return {
        "label": label,
        "lines": [line for line in lines if line["action"] in best],
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
    played = [byte for byte in bytes_ if byte.score is not None]
    harmful = [byte for byte in played if byte.score and byte.score.overlaps(everything) is False]
    harmless = [byte for byte in played if byte.score and byte.score.overlaps(everything)]
    if harmful:
        names = ", ".join(f"{byte.label} ({byte.score.mean:.1f})" for byte in harmful if byte.score)
        said.append(f"The score falls from {everything.mean:.1f} with one byte frozen: {names}.")
    if harmless:
        names = ", ".join(byte.label for byte in harmless)
        said.append(f"Frozen individually, these leave the score within its interval: {names}.")
    close = [pair for pair in pairs if pair.kept >= 0.25][:3]
    if close:
        label = {byte.index: byte.label for byte in bytes_}
        names = "; ".join(f"{label[p.first]} with {label[p.second]}" for p in close)
        said.append(f"Read in relation to each other: {names}.")
    top = {byte.index for byte in used[:FIRST]}
    by_chance = sorted(bytes_, key=lambda byte: -byte.untrained)[:FIRST]
    alike = correlation(
        np.array([byte.change for byte in bytes_]), np.array([byte.untrained for byte in bytes_])
    )
    said.append(
        f"Control: with random weights {len(top & {byte.index for byte in by_chance})} of the "
        f"{FIRST} most important bytes are the same, and the maps have correlation {alike:.2f}."
    )
    return said
