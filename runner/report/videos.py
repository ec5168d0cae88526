"""Finds each side's best game on film."""

from __future__ import annotations

import base64
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import quote

from runner.report.runs import Run
from runner.report.sides import Side

KINDS: Final = {".mp4": "video/mp4", ".gif": "image/gif"}  # the first is preferred
EMBEDDED_BYTES: Final = 4_000_000  # larger ones are linked to
_SCORE: Final = re.compile(r"_score_(-?\d+)")  # as in step_00500000_score_325.mp4


@dataclass(frozen=True)
class Film:
    """A recorded game.

    Attributes:
        run: Whose.
        title: The name of its file, for readers: step 500,000 score 325.
        kind: ``video/mp4`` or ``image/gif``.
        source: The whole of it as a ``data:`` address, or where it lies.
    """

    run: Run
    title: str
    kind: str
    source: str


def best_film(side: Side, game: str, out: Path) -> Film | None:
    """Returns the film with the most points, of all runs of a side and a game.

    Args:
        side: A side.
        game: A game.
        out: Folder of the page, which links start from.
    """
    films = [
        (run, path)
        for run in side.of(game)
        for kind in KINDS
        for path in sorted((run.folder / "videos").glob(f"*{kind}"))
    ]
    if not films:
        return None
    run, path = max(films, key=lambda film: (_points(film[1]), film[1].suffix == next(iter(KINDS))))
    title = re.sub(r"\d+", lambda digits: f"{int(digits[0]):,}", path.stem).replace("_", " ")
    return Film(run, title, KINDS[path.suffix], _source(path, out))


def _points(path: Path) -> float:
    found = _SCORE.search(path.stem)
    return float(found[1]) if found else float("-inf")


def _source(path: Path, out: Path) -> str:
    if path.stat().st_size <= EMBEDDED_BYTES:
        return f"data:{KINDS[path.suffix]};base64,{base64.b64encode(path.read_bytes()).decode()}"
    try:
        return quote(Path(os.path.relpath(path, out)).as_posix())
    except ValueError:  # on another drive
        return path.resolve().as_uri()
