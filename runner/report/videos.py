"""Finds the best recorded game of each side."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import quote

from runner.report.pages import data_uri
from runner.report.runs import Run

KINDS: Final = {".mp4": "video/mp4", ".gif": "image/gif"}  # the first is preferred
EMBEDDED_BYTES: Final = 4_000_000  # larger videos are linked
_SCORE: Final = re.compile(r"_score_(-?\d+)")  # as in step_00500000_score_325.mp4


@dataclass(frozen=True)
class Video:
    """A recorded game.

    Attributes:
        run: The run.
        title: Readable file name: step 500,000 score 325.
        kind: ``video/mp4`` or ``image/gif``.
        source: The content as a ``data:`` URL, or a link.
    """

    run: Run
    title: str
    kind: str
    source: str


def best_video(runs: Sequence[Run], out: Path, embedded: int = EMBEDDED_BYTES) -> Video | None:
    """Returns the video with the most points of all ``runs``.

    Args:
        runs: Runs of one side and game.
        out: Folder of the page, to which links are relative.
        embedded: Largest embedded video in bytes; larger videos are linked.
    """
    videos = [
        (run, path)
        for run in runs
        for path in sorted((run.folder / "videos").glob("*"))
        if path.suffix in KINDS and path.is_file()
    ]
    if not videos:
        return None
    run, path = max(videos, key=lambda found: (_points(found[1]), found[1].suffix == ".mp4"))
    title = re.sub(r"\d{1,18}", lambda digits: f"{int(digits[0]):,}", path.stem).replace("_", " ")
    kind, fits = KINDS[path.suffix], path.stat().st_size <= embedded
    return Video(run, title, kind, data_uri(path.read_bytes(), kind) if fits else link(path, out))


def _points(path: Path) -> float:
    found = _SCORE.search(path.stem)
    return float(found[1]) if found else float("-inf")


def link(path: Path, out: Path) -> str:
    """The URL of a file for a page in ``out``."""
    try:
        return quote(Path(os.path.relpath(path, out)).as_posix().encode("utf-8", "surrogateescape"))
    except ValueError:  # on another drive
        return path.resolve().as_uri()
