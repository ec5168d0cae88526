"""Groups runs into sides: same settings, different seeds."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from models.setting import short
from runner.report.runs import Run, in_order, shown

# Settings that do not affect learning, or that vary within a side.
NOT_OF_A_SIDE: Final = ("seed.", "env.game.", "eval.", "logger.", "checkpoint.", "video.")
# Settings preferred for a side's name, in this order.
NAMED_FIRST: Final = ("obs.name", "agent.name", "model.name", "env.protocol")
# Settings that make two scores comparable.
PROTOCOL: Final = (
    "env.protocol",
    "env.frame_skip",
    "env.repeat_action_probability",
    "env.noop_max",
    "env.start_moves_max",
    "env.fire_at_start",
    "env.terminal_on_life_loss",
    "env.full_actions",
    "env.max_frames",
    "env.max_steps",
    "eval.episodes",
    "eval.epsilon",
)
MISSING: Final = "(not set)"
LONGEST_NAME: Final = 36  # characters that fit in a chart


@dataclass(frozen=True)
class Side:
    """Runs that differ only in seed and game.

    Attributes:
        name: Distinguishing settings, ``obs=ram``; a letter if that is too long.
        place: Index among the sides, which determines colour, dash and marker.
        settings: Settings in which the sides differ, by dotted name.
        runs: Runs ordered by game and seed.
    """

    name: str
    place: int
    settings: Mapping[str, str]
    runs: Sequence[Run]

    def finished(self, game: str) -> list[Run]:
        """The side's finished runs of ``game``."""
        return [run for run in self.of(game) if run.finished]

    def of(self, game: str) -> list[Run]:
        """The side's runs of ``game``."""
        return [run for run in self.runs if run.game == game]


def find_sides(runs: Sequence[Run]) -> list[Side]:
    """Groups runs; runs with unreadable settings belong to no side."""
    readable = [run for run in runs if run.settings]
    keys = [key for key in differing(readable) if not _is_the_games_own(key, readable)]
    grouped: dict[tuple[str, ...], list[Run]] = {}
    for run in readable:
        values = tuple(shown(run.settings.get(key, MISSING)) for key in keys)
        grouped.setdefault(values, []).append(run)
    names = _swept(list(grouped.values())) or _names(keys, list(grouped))
    fits = all(len(name) <= LONGEST_NAME and name.isascii() for name in names)
    fits = fits and "".join(names).isprintable() and len(set(names)) == len(names)
    named = sorted(zip(names, grouped.items(), strict=True), key=lambda side: side[0])
    return [
        Side(
            name if fits else letter(place), place, dict(zip(keys, values, strict=True)),
            in_order(of_side),
        )
        for place, (name, (values, of_side)) in enumerate(named)
    ]  # fmt: skip


def games_of(sides: Sequence[Side]) -> list[str]:
    """The games played, sorted."""
    return sorted({run.game for side in sides for run in side.runs})


def differing(runs: Sequence[Run]) -> list[str]:
    """Names of the settings that define sides and differ between runs."""
    names = dict.fromkeys(key for run in runs for key in run.settings)
    return [
        key
        for key in names
        if _is_of_a_side(key) and len({shown(run.settings.get(key, MISSING)) for run in runs}) > 1
    ]


def protocol(run: Run) -> dict[str, str]:
    """The rules of a run's training and evaluation."""
    return {key: short(shown(run.settings.get(key, MISSING)), 80) for key in PROTOCOL}


def _is_the_games_own(key: str, runs: Sequence[Run]) -> bool:
    """Whether an ``env`` setting differs only because its default depends on the game."""
    values = {(run.game, shown(run.settings.get(key, MISSING))) for run in runs}
    return key.startswith("env.") and len(values) == len({run.game for run in runs})


def _swept(sides: Sequence[Sequence[Run]]) -> list[str]:
    """Names each side by its sweep's settings; empty unless these names are unique.

    The folders of a sweep's runs have such names: ``agent=strong,seed=0``
    (``runner.settings.sweeps.name_of``). Truncated values there have a ``~``.
    """
    names = [{_varied(run.folder.name) for run in runs} for runs in sides]
    if len(sides) < 2 or any(len(found) > 1 for found in names):
        return []
    single = [name for found in names for name in found]
    is_clear = all(single) and len(set(single)) == len(single) and "~" not in "".join(single)
    return single if is_clear else []


def _varied(folder: str) -> str:
    parts = [part for part in re.split(r",(?=[\w./]+=)", folder) if "=" in part]
    return ", ".join(part for part in parts if _is_of_a_side(part.partition("=")[0]))


def _is_of_a_side(key: str) -> bool:
    """Whether runs that differ in a setting or an option belong to different sides."""
    key = "env.game" if key == "env" else key
    return not f"{key}.".startswith(NOT_OF_A_SIDE)


def _names(keys: Sequence[str], sides: Sequence[tuple[str, ...]]) -> list[str]:
    """Names each side by a few settings that distinguish all sides, greedily chosen."""
    if len(sides) < 2:
        return ["all runs"] * len(sides)
    ranks = {key: rank for rank, key in enumerate(NAMED_FIRST)}
    left = sorted(range(len(keys)), key=lambda i: ranks.get(keys[i], len(ranks)))

    def told_apart(chosen: Sequence[int]) -> int:
        return len({tuple(side[i] for i in chosen) for side in sides})

    chosen: list[int] = []
    while told_apart(chosen) < len(sides):
        chosen.append(max(left, key=lambda i: told_apart([*chosen, i])))
        left.remove(chosen[-1])
    named = [keys[i].removesuffix(".name") for i in chosen]
    last = [name.rpartition(".")[2] for name in named]
    words = [b if last.count(b) == 1 else a for a, b in zip(named, last, strict=True)]
    return [
        ", ".join(f"{word}={side[i]}" for word, i in zip(words, chosen, strict=True))
        for side in sides
    ]


def letter(place: int) -> str:
    """A to Z, AA to AZ, and so on."""
    before = letter(place // 26 - 1) if place >= 26 else ""
    return before + chr(ord("A") + place % 26)
