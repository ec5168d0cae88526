"""Which runs belong together: a side is all runs whose settings are the same but for the seed."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from runner.report.runs import Run

# Do not change what is learned, or are what a side is measured over.
NOT_OF_A_SIDE: Final = ("seed", "env.game", "eval.", "logger.", "checkpoint.", "video.", "sweep.")
# Tried first for a side's name, in this order.
NAMED_FIRST: Final = ("obs.name", "agent.name", "model.name", "features", "env.protocol")
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


@dataclass(frozen=True)
class Side:
    """Runs that differ in seed and game only.

    Attributes:
        name: The fewest settings that tell it from the others: ``obs=ram``.
        settings: Those in which the sides differ, by dotted name.
        runs: In the order of their games and seeds.
    """

    name: str
    settings: Mapping[str, Any]
    runs: Sequence[Run]

    def finished(self, game: str) -> list[Run]:
        """Its runs of ``game`` that came to their end."""
        return [run for run in self.runs if run.game == game and run.finished]

    def of(self, game: str) -> list[Run]:
        """Its runs of ``game``."""
        return [run for run in self.runs if run.game == game]


def find_sides(runs: Sequence[Run]) -> list[Side]:
    """Groups runs; those whose settings could not be read belong to none."""
    readable = [run for run in runs if run.settings]
    keys = [key for key in differing(readable) if not _is_the_games_own(key, readable)]
    grouped: dict[tuple[str, ...], list[Run]] = {}
    for run in readable:
        values = tuple(shown(run.settings.get(key, MISSING)) for key in keys)
        grouped.setdefault(values, []).append(run)
    names = _names(keys, list(grouped))
    sides = [
        Side(name, dict(zip(keys, values, strict=True)), sorted(members, key=_order))
        for name, (values, members) in zip(names, grouped.items(), strict=True)
    ]
    return sorted(sides, key=lambda side: side.name)


def differing(runs: Sequence[Run]) -> list[str]:
    """Names of the settings that matter and are not the same in all runs."""
    names = dict.fromkeys(key for run in runs for key in run.settings)
    return [
        key
        for key in names
        if not any(key == p or (p[-1] == "." and key.startswith(p)) for p in NOT_OF_A_SIDE)
        and len({shown(run.settings.get(key, MISSING)) for run in runs}) > 1
    ]


def shown(value: Any) -> str:
    """A value as the config files write it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:g}"
    return "null" if value is None else str(value)


def protocol(run: Run) -> dict[str, str]:
    """The rules a run was played and evaluated by."""
    return {key: shown(run.settings.get(key, MISSING)) for key in PROTOCOL}


def _is_the_games_own(key: str, runs: Sequence[Run]) -> bool:
    """Whether it is a rule of a game's own file: another game, another value, and no more."""
    values: dict[str, set[str]] = {}
    for run in runs:
        values.setdefault(run.game, set()).add(shown(run.settings.get(key, MISSING)))
    return key.startswith("env.") and all(len(found) == 1 for found in values.values())


def _order(run: Run) -> tuple[str, int, str]:
    return run.game, run.seed if isinstance(run.seed, int) else -1, str(run.folder)


def _names(keys: Sequence[str], sides: Sequence[tuple[str, ...]]) -> list[str]:
    """Names each side by the fewest settings that tell them all apart."""
    if len(sides) < 2:
        return ["all runs"] * len(sides)
    ordered = sorted(range(len(keys)), key=lambda i: _preference(keys[i]))
    for number in range(1, len(keys) + 1):
        for chosen in itertools.islice(itertools.combinations(ordered, number), 5000):
            if len({tuple(side[i] for i in chosen) for side in sides}) == len(sides):
                return [
                    ", ".join(f"{keys[i].removesuffix('.name')}={side[i]}" for i in chosen)
                    for side in sides
                ]
    raise AssertionError("sides that are the same")


def _preference(key: str) -> int:
    return NAMED_FIRST.index(key) if key in NAMED_FIRST else len(NAMED_FIRST)
