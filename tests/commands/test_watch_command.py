"""``python -m runner.watch`` on the run directories of real runs."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from runner.watch import main as watch


def test_a_video_of_a_trained_network(
    pixel_run: Any, here: Callable[..., Any], tmp_path: Path
) -> None:
    out = tmp_path / "game.gif"
    typed = (f"run={pixel_run.folder}", "weights=best", "seed=3", f"out={out}", "window=false")
    ended = here(watch, *typed)
    assert ended.code == 0, ended.err
    assert re.search(r"^score: \d+$", ended.out, re.MULTILINE)
    assert f"video: {out}" in ended.out
    assert [path.name for path in tmp_path.iterdir()] == ["game.gif"]


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ([], ["run: missing"]),
        (["run=nowhere"], ["run=nowhere", "no such file"]),
        (["run=nowhere", "weights=best"], ["run=nowhere", "no such file"]),
        (["pretrained=breakout"], ["pretrained=breakout", "did you mean breakout_ram?"]),
        (["pretrained=breakout_ram", "run=."], ["run=.", "not both"]),
        (["run=.", "out=game.avi"], ["out=game.avi", ".mp4 or .gif"]),
        (["run=.", "window=maybe"], ["window=maybe", "auto, true or false"]),
        (["run=.", "episodes=0"], ["episodes=0", ">= 1"]),
        (["runs=."], ["runs=.", "run=DIR_OR_WEIGHTS"]),
    ],
)
def test_bad_input_is_refused_in_one_line(
    typed: list[str], words: list[str], here: Callable[..., Any]
) -> None:
    ended = here(watch, *typed)
    assert ended.code == 2
    (line,) = ended.err.splitlines()
    for word in words:
        assert word in line


def test_missing_weights_and_displays(
    pixel_run: Any, here: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    ended = here(watch, f"run={pixel_run.folder}", "weights=bets")
    assert (ended.code, "best, final" in ended.err) == (2, True)
    weights = pixel_run.folder / "weights" / "final.weights.h5"
    ended = here(watch, f"run={weights}", "weights=best")
    assert (ended.code, "weights=best: expected a run directory" in ended.err) == (2, True)
    monkeypatch.setattr("runner.watch.why_no_window", lambda: "there is no display")
    ended = here(watch, f"run={pixel_run.folder}", "window=true")
    assert (ended.code, "there is no display" in ended.err) == (2, True)
