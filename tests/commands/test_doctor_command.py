"""``python -m runner.doctor`` on the machine that runs the tests."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from commands.commands_started import ROOT, finish, start

from runner import doctor as examinations
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


def test_missing_roms_and_packages_are_findings(
    here: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def needs_a_package() -> None:
        raise ImportError("No module named 'hydra'")

    monkeypatch.setenv("ALE_ROMS_DIR", str(tmp_path))
    examined = (examinations._games, needs_a_package, examinations._disk)
    monkeypatch.setattr(examinations, "EXAMINATIONS", examined)
    ended = here(doctor)
    assert (ended.code, ended.err) == (1, "")
    games, package, disk, *_ = ended.out.splitlines()
    assert games.startswith("FAIL  games")
    assert "0 of 104 ROMs  -> " in games
    assert "unset ALE_ROMS_DIR" in games
    assert "No module named 'hydra'  -> pip install" in package
    assert disk.startswith("ok")


def test_it_runs_without_any_package() -> None:
    code = "import runner.doctor, sys; print({'hydra', 'ale_py', 'psutil'} & set(sys.modules))"
    command = [sys.executable, "-S", "-c", code]
    assert subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout == b"set()\n"
