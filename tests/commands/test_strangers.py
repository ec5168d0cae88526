"""Foreign run directories: no code is executed, and playing has few requirements."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from runner.__main__ import main as train
from runner.evaluate import main as evaluate
from runner.trained import PRETRAINED
from runner.watch import main as watch

MODULE = """
from pathlib import Path
Path({trace!r}).touch()
import keras
from keras import layers
def build(input_shape, nb_actions):
    inputs = keras.Input(input_shape, dtype="uint8")
    x = layers.Flatten()(layers.Rescaling(1 / 255)(inputs))
    return keras.Model(inputs, layers.Dense(nb_actions)(x))
"""


def changed(folder: Path, **changes: Any) -> None:
    """Changes settings in a run's configuration; in names, ``__`` stands for a dot."""
    path = folder / "config.yaml"
    settings = yaml.safe_load(path.read_text())
    for name, value in changes.items():
        *groups, last = name.split("__")
        node = settings
        for group in groups:
            node = node[group]
        node[last] = value
    path.write_text(yaml.safe_dump(settings))


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A copy of a trained agent, with short games."""
    shutil.copytree(PRETRAINED / "pong_ram", tmp_path / "run")
    for path in (tmp_path / "run").glob("evaluation_*"):
        path.unlink()
    changed(tmp_path / "run", env__max_frames=400)
    return tmp_path / "run"


def assert_refused(ended: Any, *words: str) -> None:
    assert (ended.code, ended.out) == (2, "")
    (line,) = ended.err.splitlines()
    for word in words:
        assert word in line


@pytest.mark.parametrize("named", [[], ["model.builder=os:system"]])
@pytest.mark.parametrize("command", ["evaluate", "watch", "resume"])
def test_a_network_module_in_a_run_is_not_imported(
    command: str, named: list[str], run: Path, here: Callable[..., Any]
) -> None:
    trace = run.parent / "it ran"
    for folder in (run, run.parent):  # the run's folder, and the working directory
        (folder / "strange_network.py").write_text(MODULE.format(trace=str(trace)))
    changed(run, model={"name": "custom", "builder": "strange_network:build"})
    main, typed = {
        "evaluate": (evaluate, "run=run"),
        "watch": (watch, "run=run"),
        "resume": (train, "resume=run"),
    }[command]
    ended = here(main, typed, *named)
    assert_refused(ended, "model.builder=", "strange_network:build")
    assert not trace.exists()
    assert "strange_network" not in sys.modules


def test_non_networks_are_not_called(run: Path, here: Callable[..., Any]) -> None:
    changed(run, model={"name": "custom", "builder": "os:system"})
    ended = here(evaluate, "run=run", "model.builder=os:system")
    assert_refused(ended, "model.builder=os:system", "expected a network's function")


def test_a_copied_run_plays_without_training_requirements(
    run: Path, here: Callable[..., Any]
) -> None:
    changed(
        run,
        init_weights="gone.weights.h5",
        memory__limit=900_000_000_000,
        logger__wandb=True,
        logger__mlflow=True,
    )
    ended = here(evaluate, "run=run", "episodes=1")
    assert (ended.code, ended.err) == (0, "")
    assert (run / "evaluation_final.json").is_file()


def test_unfitting_weights_name_the_run(run: Path, here: Callable[..., Any]) -> None:
    changed(run, model__hidden=[8])
    ended = here(evaluate, "run=run", "episodes=1")
    assert_refused(ended, "run=run/weights/final.weights.h5", "shapes")
    assert "init_weights" not in ended.err


@pytest.mark.parametrize("main", [evaluate, watch])
def test_a_folder_that_cannot_be_written_to_is_refused_before_the_games(
    main: Any, run: Path, here: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def read_only(folder: Path) -> bool:
        return folder.name == "elsewhere"

    # Root can write to every folder.
    monkeypatch.setattr("runner.settings.checks.is_writable", read_only)
    monkeypatch.setattr("runner.tensorflow_setup.set_up", lambda *_: pytest.fail("too late"))
    assert_refused(here(main, "run=run"), "run=run", "can be written to", "out=")
    suffix = {evaluate: "json", watch: "gif"}[main]
    assert_refused(here(main, "run=run", f"out=there/game.{suffix}"), "out=there")


def test_the_result_goes_to_the_given_path(run: Path, here: Callable[..., Any]) -> None:
    ended = here(evaluate, "run=run", "episodes=1", "out=elsewhere/card.json")
    assert (ended.code, ended.err) == (0, "")
    assert "result: elsewhere/card.json" in ended.out
    assert not list(run.glob("evaluation_*"))
    assert Path("elsewhere/card.json").is_file()


def test_pretrained_agents_are_read_only(here: Callable[..., Any]) -> None:
    before = {path: path.stat().st_mtime_ns for path in PRETRAINED.rglob("*")}
    ended = here(train, f"resume={PRETRAINED / 'pong_ram'}", "train.steps=99000000")
    assert_refused(ended, "resume=", "pretrained", "init_weights=")
    assert {path: path.stat().st_mtime_ns for path in PRETRAINED.rglob("*")} == before
