"""Finds each side's best game on film."""

from __future__ import annotations

import base64
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import quote

from runner.report.runs import Run
from runner.report.sides import Side

KINDS: Final = {".mp4": "video/mp4", ".gif": "image/gif"}  # the first is preferred
EMBEDDED_BYTES: Final = 4_000_000  # larger ones are linked to


@dataclass(frozen=True)
class Film:
    """A recorded game.

    Attributes:
        run: Whose.
        kind: ``video/mp4`` or ``image/gif``.
        source: The whole of it as a ``data:`` address, or where it lies.
    """

    run: Run
    kind: str
    source: str


def best_film(side: Side, game: str, out: Path) -> Film | None:
    """Returns the film of the side's best run of ``game`` that has one.

    Args:
        side: A side.
        game: A game.
        out: Folder of the page, which links start from.
    """
    scored = [run for run in side.of(game) if run.score is not None]
    unscored = [run for run in side.of(game) if run.score is None]
    for run in sorted(scored, key=lambda run: run.score or 0.0, reverse=True) + unscored:
        path = _of_run(run)
        if path is not None:
            return Film(run, KINDS[path.suffix], _source(path, out))
    return None


def _of_run(run: Run) -> Path | None:
    """The film of the best game; the newest, where none is called so."""
    films: Sequence[Path] = [
        path for kind in KINDS for path in (run.folder / "videos").glob(f"*{kind}")
    ]
    kinds = list(KINDS)
    return max(
        films,
        key=lambda path: (
            "best" in path.stem,
            path.stat().st_mtime if "best" not in path.stem else 0,
            -kinds.index(path.suffix),
        ),
        default=None,
    )


def _source(path: Path, out: Path) -> str:
    if path.stat().st_size <= EMBEDDED_BYTES:
        return f"data:{KINDS[path.suffix]};base64,{base64.b64encode(path.read_bytes()).decode()}"
    try:
        return quote(Path(os.path.relpath(path, out)).as_posix())
    except ValueError:  # on another drive
        return path.resolve().as_uri()
