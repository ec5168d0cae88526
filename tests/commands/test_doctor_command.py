"""``python -m runner.doctor`` on the machine that runs the tests."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from commands.commands_started import finish, start

from runner.doctor import main as doctor


@pytest.mark.slow
def test_this_machine_is_ready(tmp_path: Path) -> None:
    ended = finish(start("runner.doctor", [], tmp_path))
    assert ended.code == 0, ended.out
    assert ended.err == ""
    assert ended.out.splitlines()[-1] == "ready"
    assert "FAIL" not in ended.out


def test_games_are_listed(here: Callable[..., Any]) -> None:
    ended = here(doctor, "--games")
    games = ended.out.split()
    assert ended.code == 0
    assert len(games) == len(set(games)) == 104
    assert {"pong", "space_invaders", "montezuma_revenge"} <= set(games)


def test_an_unknown_argument_is_refused(here: Callable[..., Any]) -> None:
    ended = here(doctor, "--gams")
    assert ended.code == 2
    assert len(ended.err.splitlines()) == 1
