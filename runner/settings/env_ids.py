"""Old environment names, with the game and rules of each.

Sources: Gym 0.18, ``gym/envs/__init__.py`` (``v0`` and ``v4``); ale-py's ``registration.py``, and
Machado et al. 2018, https://arxiv.org/abs/1709.06009 (``v5``).
"""

from __future__ import annotations

import difflib
import functools
import itertools
import string
from typing import Any, Final, NamedTuple

from runner.errors import wrong
from runner.settings.games import all_games

DRAWN_SKIP: Final = [2, 3, 4]  # frames, drawn at every step (Gym's range(2, 5))


class EnvId(NamedTuple):
    """Game and rules of an environment name."""

    game: str  # ALE's name
    ram: bool
    frame_skip: int | list[int]  # frames per step
    repeat_action_probability: float  # probability per frame
    max_steps: int | None  # steps after which a game is truncated
    max_frames: int  # frames after which a game is truncated


@functools.cache
def all_ids() -> dict[str, EnvId]:
    """Game and rules by environment name."""
    ids = {}
    for game, ram in itertools.product(all_games(), (False, True)):
        # ``space_invaders`` -> ``SpaceInvaders``
        base = string.capwords(game, "_").replace("_", "") + ("-ram" if ram else "")
        fixed = 3 if game == "space_invaders" else 4  # so that flickering lasers are visible
        kinds: list[tuple[str, int | list[int], int, int]] = [
            ("", DRAWN_SKIP, 10_000, 100_000),  # kind, frame skip, steps of v0, steps of v4
            ("Deterministic", fixed, 100_000, 100_000),
            ("NoFrameskip", 1, fixed * 100_000, fixed * 100_000),
        ]
        for kind, skip, steps_v0, steps_v4 in kinds:
            # Names end in -v0 with sticky actions, in -v4 without. Gym counted steps only: 400,000
            # frames cover the longest game of 100,000 steps.
            ids[f"{base}{kind}-v0"] = EnvId(game, ram, skip, 0.25, steps_v0, 400_000)
            ids[f"{base}{kind}-v4"] = EnvId(game, ram, skip, 0.0, steps_v4, 400_000)
        ids[f"ALE/{base}-v5"] = EnvId(game, ram, 4, 0.25, None, 108_000)
    return ids


def find_id(name: str) -> EnvId:
    """Returns the game and rules of ``name``.

    Raises:
        UserError: There is no such environment name.
    """
    found = all_ids().get(name)
    if found is None:
        lower = {known.lower(): known for known in all_ids()}
        near = difflib.get_close_matches(name.lower(), lower, n=1, cutoff=0.6)
        example = lower[near[0]] if near else "Breakout-v0"
        raise wrong("env.id", name, f"a name of Gym 0.18 or ALE, such as {example}")
    return found


def of_id(name: str | None, knob: str, otherwise: Any) -> Any:
    """The value of ``knob`` in the environment ``name``; ``otherwise`` if ``name`` is None."""
    return otherwise if name is None else getattr(find_id(str(name)), knob)
