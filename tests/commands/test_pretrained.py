"""Pretrained agents play as well as their cards say."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from marks import THOROUGH, slow_but

from runner.evaluate import main as evaluate
from runner.trained import PRETRAINED

AGENTS = sorted(path.parent.name for path in PRETRAINED.glob("*/config.yaml"))
CARDS = {
    row[0]: row
    for row in (
        [cell.strip(" `") for cell in line.strip("|").split("|")]
        for line in (PRETRAINED / "README.md").read_text().splitlines()
        if line.startswith("| `")
    )
}
# Evaluation files, and the card's column that shows each.
EVALUATED = {"evaluation_final.json": -2, "evaluation_final_sticky_0.25.json": -1}


def test_every_agent_has_a_card() -> None:
    assert set(CARDS) == set(AGENTS) != set()


@pytest.mark.parametrize("name", AGENTS)
def test_an_agent_is_small(name: str) -> None:
    files = [path for path in (PRETRAINED / name).rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) <= 2e6


@pytest.mark.parametrize("name", AGENTS)
@pytest.mark.parametrize(("file", "column"), EVALUATED.items())
def test_a_card_shows_the_evaluations(name: str, file: str, column: int) -> None:
    result = json.loads((PRETRAINED / name / file).read_text())
    low, high = result["interval"]
    assert (result["episodes"], result["epsilon"]) == (100, 0.01)
    assert CARDS[name][column] == f"{result['mean']:.1f} ({low:.1f} to {high:.1f})"


@pytest.mark.parametrize(
    "name", slow_but({"pong_ram"}, AGENTS if THOROUGH else ["breakout_ram", "pong_ram"])
)
def test_an_agent_plays_as_well_as_its_card_says(
    name: str, here: Callable[..., Any], tmp_path: Path
) -> None:
    card = json.loads((PRETRAINED / name / "evaluation_final.json").read_text())
    ended = here(evaluate, f"pretrained={name}", "episodes=1", "seed=1")
    assert ended.code == 0, ended.err
    (path,) = tmp_path.glob(f"runs/pretrained/{name}/evaluation_final.json")
    result = json.loads(path.read_text())
    assert card["min"] <= result["mean"] <= card["max"]
