"""Writes the page and the ram_map of one game, in a separate process."""

from __future__ import annotations

import os
import time
from collections import Counter
from pathlib import Path
from typing import NamedTuple

from runner.atlas import classify, intervene, names, observe, page
from runner.errors import RunError
from runner.ram_maps import ram_map


class Result(NamedTuple):
    """A game's row of the table."""

    game: str
    kinds: dict[str, int]  # bytes by kind
    judged: dict[str, str]  # published labels: found, missed, wrong


def make_page(game: str, out: Path, maps: Path, steps: int, seed: int, quiet: bool) -> Result:
    """Plays, changes bytes, and writes the page and the ram_map of a game."""
    # Changed bytes may make a game execute invalid instructions, which ALE reports line by line.
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    began = time.monotonic()

    def say(what: str) -> None:
        if not quiet:
            print(f"{game}: {what} ({time.monotonic() - began:.0f} s)", flush=True)

    ale = observe.load(game, seed)
    record = observe.observe(ale, steps, seed, say)
    if not record.states:
        raise RunError(f"env={game}: no game lasted long enough to change bytes in it")
    ground = observe.background(record)
    effects, pictures = intervene.intervene(ale, record, ground, say)
    found = classify.classify(record, effects, intervene.steered(ale, record))
    labels, own = ram_map(game), names.ram_map(found)
    text = page.page(game, found, labels, own, pictures, steps)
    (out / f"{game}.html").write_text(text, encoding="utf-8")
    (maps / f"{game}.yaml").write_text(names.ram_map_text(game, own, found), encoding="utf-8")
    kinds = Counter(byte.kind for byte in found)
    return Result(game, dict(kinds), names.verdicts(labels, found))
