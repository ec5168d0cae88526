"""``python -m runner.cards``: adds a run to the pretrained agents and their table."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from runner.cards import main as cards
from runner.trained import PRETRAINED


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "pretrained"
    folder.mkdir()
    (folder / "README.md").write_text("# Agents\n\n| old |\n|---|\n| row |\n\nThe end.\n")
    for module in ("cards", "trained"):
        monkeypatch.setattr(f"runner.{module}.PRETRAINED", folder)
    monkeypatch.setattr("runner.cards.GAMES", 2)
    return folder


def arrays(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = {}
    with h5py.File(path) as file:
        file.visititems(
            lambda name, item: found.update({name: item[()]} if hasattr(item, "shape") else {})
        )
    return found


@pytest.mark.slow
def test_a_run_gets_a_row(pixel_run: Any, shelf: Path, here: Callable[..., Any]) -> None:
    ended = here(cards, f"run={pixel_run.folder}")
    assert ended.code == 0, ended.err
    agent = shelf / "breakout_pixel"
    mean = json.loads((agent / "evaluation_final.json").read_text())["mean"]
    first, *_, row, blank, last = (shelf / "README.md").read_text().splitlines()
    assert (first, blank, last) == ("# Agents", "", "The end.")
    assert row.startswith("| `breakout_pixel` | 0 |")
    assert f" {mean:.1f} (" in row
    ours, theirs = (arrays(f / "weights/final.weights.h5") for f in (agent, pixel_run.folder))
    assert ours.keys() == theirs.keys() != set()
    for name, weights in theirs.items():
        np.testing.assert_allclose(ours[name], weights, rtol=2.0**-12)


@pytest.mark.slow
def test_an_interrupted_command_changes_nothing(
    pixel_run: Any, shelf: Path, here: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("runner.cards.evaluate_run", interrupted)
    ended = here(cards, f"run={pixel_run.folder}")
    assert ended.code == 130
    assert [path.name for path in shelf.iterdir()] == ["README.md"]


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        (["run=runs/a"], "expected a complete run"),
        (["run=runs/a", "name=../pong"], "name=../pong: expected letters"),
        (["name=pong"], "name=pong: expected run="),
    ],
)
def test_unusable_runs_get_no_card(
    typed: list[str], words: str, shelf: Path, here: Callable[..., Any]
) -> None:
    Path("runs/a").mkdir(parents=True)
    config = next(PRETRAINED.glob("*/config.yaml"))
    Path("runs/a/config.yaml").write_bytes(config.read_bytes())
    ended = here(cards, *typed)
    assert ended.code == 2
    assert words in ended.err
    assert [path.name for path in shelf.iterdir()] == ["README.md"]
