"""Evaluations during training: recorded, best weights kept, training unaffected."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from toys import OldGym, Tape, compiled_agent

from runner.callbacks.evaluations import COLUMNS, Evaluations
from runner.environments.pool import EmulatorPool
from runner.evaluation import Evaluation
from runner.settings import compose

SETTINGS = [
    "env=breakout",
    "train=smoke",
    "env.num_envs=4",
    "env.max_frames=200",
    "eval.episodes=2",
    "agent.jit_compile=false",
]


def result(mean: float) -> Evaluation:
    return Evaluation(
        episodes=2, epsilon=0.0, mean=mean, interval=None, std=0.0, variance=0.0, min=0, max=9,
        histogram={}, human_normalised=None, returns=[0.0, 2 * mean], lengths=[1, 1], seconds=1,
    )  # fmt: skip


def evaluations(
    folder: Path, *results: Evaluation | None, interval: int, first: int = 0
) -> Evaluations:
    coming = iter(results)
    best = folder / "best.weights.h5"
    path = folder / "evaluations.csv"
    return Evaluations(lambda: next(coming), path, best, interval, first=first)


def played(folder: Path) -> list[tuple[int, float]]:
    with (folder / "evaluations.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert all(tuple(row) == COLUMNS for row in rows)
    return [(int(row["step"]), float(row["mean"])) for row in rows]


def test_every_interval_is_evaluated_and_the_best_weights_are_kept(tmp_path: Path) -> None:
    listener = evaluations(tmp_path, result(3.0), result(5.0), result(4.0), interval=20)
    agent = compiled_agent(Tape, nb_steps_warmup=20)
    kept = []

    def save(path: str, overwrite: bool) -> None:
        assert overwrite
        kept.append((agent.step, Path(path).name))

    agent.save_weights = save
    agent.fit(OldGym(Tape({})), 70, callbacks=[listener], verbose=0)
    assert played(tmp_path) == [(20, 3.0), (40, 5.0), (60, 4.0)]
    assert kept == [(19, "best.weights.h5"), (39, "best.weights.h5")]


def test_scores_of_seven_digits_are_written_in_full(tmp_path: Path) -> None:
    listener = evaluations(tmp_path, result(617_283.5), interval=20)
    agent = compiled_agent(Tape, nb_steps_warmup=100)
    agent.fit(OldGym(Tape({})), 20, callbacks=[listener], verbose=0)
    assert (tmp_path / "evaluations.csv").read_text().endswith(",0 1234567\n")


def test_no_evaluation_before_eval_start(tmp_path: Path) -> None:
    listener = evaluations(tmp_path, result(3.0), result(2.0), interval=20, first=35)
    heard: list[tuple[int, bool]] = []
    listener.listeners.append(lambda step, _, is_best: heard.append((step, is_best)))
    agent = compiled_agent(Tape, nb_steps_warmup=100)
    agent.fit(OldGym(Tape({})), 70, callbacks=[listener], verbose=0)
    assert played(tmp_path) == [(40, 3.0), (60, 2.0)]
    assert heard == [(40, True), (60, False)]


def test_the_last_step_is_evaluated_once(tmp_path: Path) -> None:
    listener = evaluations(tmp_path, result(3.0), interval=20)
    agent = compiled_agent(Tape, nb_steps_warmup=100)
    agent.fit(OldGym(Tape({})), 20, callbacks=[listener], verbose=0)
    assert listener.evaluate(20) == result(3.0)
    assert played(tmp_path) == [(20, 3.0)]


def test_an_interrupted_evaluation_is_repeated_at_resume(tmp_path: Path) -> None:
    first = evaluations(tmp_path, result(3.0), None, interval=20)
    agent = compiled_agent(Tape, nb_steps_warmup=100)
    agent.fit(OldGym(Tape({})), 45, callbacks=[first], verbose=0)
    state = first.get_state()
    with (tmp_path / "evaluations.csv").open("a") as file:
        file.write("60,lines of a course that was not resumed\n")
    second = evaluations(tmp_path, result(7.0), interval=20)
    second.set_model(agent)
    second.set_state(state)
    second.on_train_begin()
    assert played(tmp_path) == [(20, 3.0), (40, 7.0)]


@pytest.mark.parametrize(("again", "rows"), [(3.0, [(20, 3.0)]), (7.0, [(20, 3.0), (20, 7.0)])])
def test_a_run_resumed_at_its_last_evaluation_repeats_no_row(
    again: float, rows: list[tuple[int, float]], tmp_path: Path
) -> None:
    """The repeated evaluation is a row only if it differs: ``eval.*`` may change."""
    first = evaluations(tmp_path, result(3.0), interval=20)
    agent = compiled_agent(Tape, nb_steps_warmup=100)
    agent.fit(OldGym(Tape({})), 20, callbacks=[first], verbose=0)
    second = evaluations(tmp_path, result(again), interval=20)
    second.set_model(agent)
    second.set_state(first.get_state())
    second.on_train_begin()
    heard: list[int] = []
    second.listeners.append(lambda step, *_: heard.append(step))
    assert second.evaluate(20) == result(again)
    assert played(tmp_path) == rows
    assert len(heard) == len(rows) - 1


@pytest.mark.slow
@pytest.mark.parametrize("interval", [0, 100])
def test_evaluations_do_not_change_training(
    tmp_path: Path, interval: int, trained: dict[int, list[np.ndarray[Any, Any]]]
) -> None:
    from runner import tensorflow_setup
    from runner.agent.build import build_agent
    from runner.agent.dqn import q_function
    from runner.evaluation import evaluate

    config = compose.load(
        [*SETTINGS, "model.hidden=[16]", "agent.jit_compile=false", f"eval.interval={interval}"]
    )
    tensorflow_setup.set_up(0)
    games = EmulatorPool(config.env, config.obs, 4, groups=2)
    try:
        agent = build_agent(config, games)
        games.reset(seed=0)
        values = q_function(agent.model, jit_compile=False)
        listener = Evaluations(
            lambda: evaluate(values, config, seed=7),
            tmp_path / "evaluations.csv",
            tmp_path / "best.weights.h5",
            interval,
        )
        agent.fit(games, 400, callbacks=[listener], verbose=0)
    finally:
        games.close()
    assert len(played(tmp_path)) == (4 if interval else 0)
    trained[interval] = agent.model.get_weights()
    for weights in trained.values():
        assert all(map(np.array_equal, weights, trained[interval]))


@pytest.fixture(scope="module")
def trained() -> dict[int, list[np.ndarray[Any, Any]]]:
    return {}


def test_frozen_games_report_their_scores() -> None:
    """Training limits and shaping rewards do not apply to evaluations."""
    from runner.evaluation import evaluate

    rules = ["env.fire_at_start=true", "env.max_steps=5", "env.terminal_on_life_loss=true"]
    told = [
        "env.life_loss_reward=-1",
        "env.truncation_reward=-1",
        "env.truncation_is_terminal=true",
    ]
    config = compose.load(["env=breakout", *rules, *told, "eval.episodes=2"])
    nothing = evaluate(lambda states: np.zeros((len(states), 4), np.float32), config, seed=0)
    assert nothing is not None
    assert nothing.min >= 0
    assert min(nothing.lengths) > 50  # FIRE alone starts all five lives
