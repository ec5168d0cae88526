"""``python -m runner.evaluate`` on the run directories of real runs."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from runner.evaluate import main as evaluate


@pytest.mark.parametrize("weights", [None, "final", "step_200"])
def test_a_run_or_one_of_its_weights_is_evaluated(
    weights: str | None, pixel_run: Any, here: Callable[..., Any]
) -> None:
    folder = shutil.copytree(pixel_run.folder, "run")
    run = folder if weights is None else f"{folder}/weights/{weights}.weights.h5"
    ended = here(evaluate, f"run={run}", "episodes=3", "epsilon=0.5", "seed=7")
    assert ended.code == 0, ended.err
    assert "evaluation: 3 games, epsilon 0.5: mean" in ended.out
    result = json.loads(Path(folder, f"evaluation_{weights or 'final'}.json").read_text())
    assert (result["episodes"], result["epsilon"], result["seed"]) == (3, 0.5, 7)
    assert len(result["returns"]) == 3


def test_long_evaluations_show_progress(
    pixel_run: Any, here: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("runner.evaluation.SHOWN_EVERY", 0.0)
    shutil.copytree(pixel_run.folder, "runs/first")
    ended = here(evaluate, "run=last", "episodes=2", "epsilon=0.5")
    assert "evaluation: 0 of 2 games | 0:0" in ended.out


@pytest.mark.slow
def test_the_same_seed_plays_the_same_games(stock_run: Any, here: Callable[..., Any]) -> None:
    shutil.copytree(stock_run.folder, "run")
    played = []
    for seed in (1, 1):
        assert here(evaluate, "run=run", "epsilon=0.9", f"seed={seed}").code == 0
        result = json.loads(Path("run/evaluation_final.json").read_text())
        played.append((result["returns"], result["lengths"]))
    assert played[0] == played[1]


def test_the_newest_weights_replace_missing_final_ones(
    pixel_run: Any, here: Callable[..., Any], tmp_path: Path
) -> None:
    run = tmp_path / "run"
    shutil.copytree(pixel_run.folder, run)
    (run / "weights" / "final.weights.h5").unlink()
    # numeric order, not alphabetical: the newest is step 1000
    (run / "weights" / "step_600.weights.h5").rename(run / "weights" / "step_1000.weights.h5")
    ended = here(evaluate, f"run={run}", "episodes=1")
    assert ended.code == 0, ended.err
    assert (run / "evaluation_step_1000.json").is_file()


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ([], ["run: missing"]),
        (["run=nowhere"], ["run=nowhere", "no such file"]),
        (["run=last"], ["run=last", "there is none"]),
        (["run=."], ["run=.", "config.yaml"]),
        (["runs=."], ["runs=.", "run=DIR_OR_WEIGHTS"]),
        (["run=.", "episodes=many"], ["episodes=many", "an integer"]),
        (["run=.", "episodes=0"], ["episodes=0", ">= 1"]),
        (["run=.", "seed=-1"], ["seed=-1", ">= 0"]),
        (["run=.", "epsilon=x"], ["epsilon=x", "a number"]),
        (["nonsense"], ["nonsense", "run=DIR_OR_WEIGHTS"]),
    ],
)
def test_bad_input_is_refused_in_one_line(
    typed: list[str], words: list[str], here: Callable[..., Any]
) -> None:
    ended = here(evaluate, *typed)
    assert ended.code == 2
    (line,) = ended.err.splitlines()
    for word in words:
        assert word in line


@pytest.mark.parametrize(
    ("typed", "word"), [("epsilon=2", "from 0 to 1"), ("epsilon=nan", "from 0 to 1")]
)
def test_values_out_of_range(
    typed: str, word: str, pixel_run: Any, here: Callable[..., Any]
) -> None:
    ended = here(evaluate, f"run={pixel_run.folder}", typed)
    assert ended.code == 2
    assert word in ended.err


def test_unreadable_settings(here: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "weights").mkdir()
    (tmp_path / "weights" / "final.weights.h5").write_bytes(b"")
    (tmp_path / "config.yaml").write_text("env: [unclosed")
    ended = here(evaluate, f"run={tmp_path}")
    assert ended.code == 2
    assert "config.yaml cannot be read" in ended.err


@pytest.mark.slow
def test_every_trained_agent_in_a_table(
    here: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    names = ["freeway_ram", "pong_ram"]
    monkeypatch.setattr("runner.evaluate.pretrained_names", lambda: names)
    monkeypatch.setattr("runner.settings.checks.check", lambda config: short(config))
    ended = here(evaluate, "pretrained=all", "episodes=2")
    assert (ended.code, ended.err) == (0, "")
    rows = [line.split() for line in ended.out.splitlines()[-2:]]
    assert [row[:2] for row in rows] == [[name, "2"] for name in names]
    refused = here(evaluate, "pretrained=all", "out=all.json")
    assert refused.code == 2
    assert "out=all.json" in refused.err


def short(config: Any) -> None:
    config.env.max_frames = 400
