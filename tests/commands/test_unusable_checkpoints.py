"""A resume changes nothing until it has a complete, matching checkpoint of this run."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from marks import slow_but

from runner.__main__ import main as train
from runner.checkpoint.archive import read_archive, write_archive


@pytest.fixture
def run(tiny_run: Any, tmp_path: Path) -> Path:
    shutil.copytree(tiny_run.folder, tmp_path / "run")
    return tmp_path / "run"


def contents(folder: Path) -> dict[Path, bytes]:
    return {p: p.read_bytes() for p in folder.rglob("*") if p.is_file() and p.name != ".lock"}


def states(run: Path) -> list[Path]:
    return sorted((run / "checkpoints").glob("*.state.npz"))


def state_changed(path: Path, change: Callable[[dict[str, Any]], Any]) -> None:
    content = read_archive(path)
    change(content["state"])
    write_archive(path, content)


def every(change: Callable[[dict[str, Any]], Any]) -> Callable[[Path], None]:
    """Changes all states of a run without damaging them."""

    def apply(run: Path) -> None:
        for path in states(run):
            state_changed(path, change)

    return apply


def format_of_tomorrow(run: Path) -> None:
    path = states(run)[-1]
    write_archive(path, {**read_archive(path), "format": 99})


def cut_short(run: Path) -> None:
    for path in states(run):
        path.write_bytes(path.read_bytes()[:-30])


def without_checkpoints(run: Path) -> None:
    shutil.rmtree(run / "checkpoints")


def without_states(run: Path) -> None:
    for path in states(run):
        path.unlink()


def of_another_run(run: Path) -> None:
    (run / "run_id.txt").write_text("0" * 32)


def wider_network(state: dict[str, Any]) -> None:
    networks = state["agent"]["networks"]
    state["agent"]["networks"] = [[np.zeros((9, 9), np.float32)] * len(w) for w in networks]


def diverged(state: dict[str, Any]) -> None:
    state["agent"]["networks"][0][0][:] = np.nan


def foreign_emulator(state: dict[str, Any]) -> None:
    for game in state["games"]["games"]:
        game["emulator"] = b"\x07" * len(game["emulator"])


# The quick cases, one per kind of damage.
QUICK = {"format", "no checkpoints", "another run", "network"}
DAMAGES: dict[str, tuple[Any, list[str], str]] = {
    "format": (format_of_tomorrow, [], "format 99"),
    "cut short": (cut_short, [], "undamaged checkpoint"),
    "no checkpoints": (without_checkpoints, [], "expected a run with checkpoints"),
    "no states": (without_states, [], "expected a run with checkpoints"),
    "another run": (of_another_run, [], "another run"),
    "no identity": (lambda run: (run / "run_id.txt").unlink(), [], "run_id.txt"),
    "network": (every(wider_network), [], "does not fit"),
    "nan": (every(diverged), [], "not finite"),
    "no optimizer": (every(lambda state: state["agent"].pop("optimizer")), [], "other entries"),
    "empty optimizer": (every(lambda state: state["agent"].update(optimizer=[])), [], "optimizer"),
    "emulator": (every(foreign_emulator), [], "set_state"),
    "groups": (every(lambda state: state["session"].update(idle=[5])), [], "other groups"),
    "listeners": (every(lambda state: state.pop("listeners")), [], "listeners"),
    "fewer steps": (
        lambda run: None,
        ["train.steps=70"],
        "train.steps=70: expected at least",
    ),
}


@pytest.mark.parametrize("name", slow_but(QUICK, DAMAGES))
def test_unresumable_runs_are_refused_and_unchanged(
    name: str, run: Path, here: Callable[..., Any]
) -> None:
    damage, settings, part = DAMAGES[name]
    damage(run)
    before = contents(run)
    ended = here(train, "resume=run", *(settings or ["train.steps=900"]))
    assert ended.code == 2, ended.err
    (line,) = ended.err.splitlines()
    assert part in line
    assert contents(run) == before


@pytest.mark.slow
def test_fallback_to_the_previous_fitting_checkpoint(run: Path, here: Callable[..., Any]) -> None:
    newest = states(run)[-1]
    state_changed(newest, foreign_emulator)
    ended = here(train, "resume=run")
    assert (ended.code, ended.err) == (0, "")
    assert f"checkpoint skipped: {newest.name} does not fit" in ended.out
    before = read_archive(states(run)[0])["step"]
    assert f"resumed at step {before:,}" in ended.out


def test_a_run_without_progress_starts(run: Path, here: Callable[..., Any]) -> None:
    """The run was killed while loading: it has no progress to lose."""
    for path in run.iterdir():
        if path.name != "config.yaml":
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    (run / "weights").mkdir()
    ended = here(train, "resume=run", "eval.episodes=1")
    assert (ended.code, ended.err) == (0, "")
    assert (run / "result.json").is_file()
