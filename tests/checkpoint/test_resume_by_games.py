"""Runs that count games, sync at game ends and use softmax: uninterrupted and resumed."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from checkpoint.runs import SMALL, assert_same_run

from runner.__main__ import main

# The temperature is annealed over SMALL's policy.nb_steps.
BY_GAMES = (
    *SMALL, "obs=ram", "env.num_envs=4", "seed=5", "train.steps=5000", "train.episodes=10",
    "checkpoint.weights=episode", "agent.target_sync=game_end", "policy=softmax",
    "policy.schedule=linear", "policy.value_max=0.1", "policy.value_min=5e-5",
)  # fmt: skip


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> None:
    monkeypatch.setattr("sys.argv", ["runner", *arguments])  # Hydra reads it
    assert main(list(arguments)) == 0


def lines(folder: Path) -> list[dict[str, str]]:
    with (folder / "metrics.csv").open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.slow
def test_train_episodes_counts_across_a_resume(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    run(monkeypatch, *BY_GAMES, "hydra.run.dir=whole")
    run(monkeypatch, *BY_GAMES, "train.steps=210", "hydra.run.dir=parts")
    assert 0 < len(lines(Path("parts"))) < 10
    run(monkeypatch, "resume=parts", "train.steps=5000")
    assert_same_run(Path("parts"), Path("whole"))

    games = lines(Path("whole"))
    # All games that end in the same turn of the loop are counted.
    assert 10 <= len(games) < 10 + 4
    ended_at = [int(game["step"]) for game in games]
    assert ended_at[-1] < 1000
    names = {path.name for path in Path("whole/weights").iterdir()}
    assert names == {
        "final.weights.h5", "best.weights.h5", *(f"step_{n}.weights.h5" for n in ended_at),
    }  # fmt: skip
    taus = [float(game["tau"]) for game in games]
    assert taus == sorted(taus, reverse=True)
    expected = [0.1 - (0.1 - 5e-5) * (step - 1) / 1000 for step in ended_at]
    assert taus == pytest.approx(expected, abs=8 * 1e-4)  # two turns are under way

    run(monkeypatch, "resume=parts", "train.episodes=15")
    assert 15 <= len(lines(Path("parts"))) < 15 + 4
