"""Averages of curves, times to a score, and sides of a comparison."""

from __future__ import annotations

import re

import numpy as np
import pytest
from made_runs import make_run

from runner.report.curves import evaluation_curve, time_to, trailing_mean, training_curve
from runner.report.runs import read_run
from runner.report.sides import differing, find_sides


def test_the_trailing_mean_covers_the_last_100_games():
    points = np.random.default_rng(0).normal(size=250)
    expected = [points[max(0, end - 100) : end].mean() for end in range(1, 251)]
    np.testing.assert_allclose(trailing_mean(points), expected)


def test_curves_are_averaged_where_all_finished_runs_have_data(tmp_path):
    runs = [
        read_run(make_run(tmp_path / "a", "seed=0", points=[2] * 40, score=2, steps=1000)),
        read_run(make_run(tmp_path / "b", "seed=1", points=[6] * 40, score=6, steps=2000)),
        read_run(make_run(tmp_path / "c", "seed=2", points=[90] * 40, steps=500)),  # cut off
    ]
    curve = training_curve(runs, "steps")
    known = np.isfinite(curve.mean)
    assert set(curve.mean[known]) == {4}
    assert (set(curve.low[known]), set(curve.high[known])) == ({2}, {6})
    assert 500 <= curve.x[known][0] <= 520  # the tenth game of the second run
    assert 980 <= curve.x[known][-1] <= 1000  # the end of the first run
    assert np.nanmax(curve.runs) == 90  # shown, but not averaged


def test_unfinished_runs_are_averaged_if_none_finished(tmp_path):
    runs = [
        read_run(make_run(tmp_path / str(seed), f"seed={seed}", points=[seed] * 30))
        for seed in range(3)
    ]
    assert set(training_curve(runs, "time").mean) == {1}


def test_a_run_of_few_games_has_no_curve_yet(tmp_path):
    assert training_curve([read_run(make_run(tmp_path / "a", points=[1] * 9))], "steps") is None


@pytest.mark.parametrize(("axis", "end"), [("steps", 1000), ("frames", 4000), ("time", 2.0)])
def test_axes(tmp_path, axis, end):
    run = read_run(make_run(tmp_path / "a", points=[1] * 20, score=1, seconds=120))
    assert training_curve([run], axis).x[-1] == end


def test_evaluations_are_placed_in_time_by_the_training_games(tmp_path):
    folder = make_run(tmp_path / "a", points=[1] * 20, score=9, seconds=120)
    (folder / "evaluations.csv").write_text("step,mean\n500,3\n1000,9\n")
    curve = evaluation_curve([read_run(folder)], "time")
    assert (curve.x[0], curve.x[-1]) == (1.0, 2.0)
    assert (curve.mean[0], curve.mean[-1]) == (3, 9)


def test_the_time_to_a_score(tmp_path):
    """Ten games of 0 points, then of 10: at game 20 of 40, the mean of 20 games is 5."""
    run = read_run(make_run(tmp_path / "a", points=[0] * 10 + [10] * 30, score=10, seconds=40))
    assert time_to(run, 5) == pytest.approx(20)
    assert time_to(run, 9) is None


def test_a_truncated_line_is_ignored(tmp_path):
    folder = make_run(tmp_path / "a", points=[1, 2, 3])
    with (folder / "metrics.csv").open("a") as file:
        file.write("1100,44")
    assert read_run(folder).games.points.tolist() == [1, 2, 3]


@pytest.mark.parametrize(
    ("runs", "names"),
    [
        ([["seed=0"], ["seed=1"]], ["all runs"]),
        ([["obs=ram"], ["obs=pixel"]], ["obs=pixel", "obs=ram"]),
        ([["agent.gamma=0.9"], ["agent.gamma=0.99"]], ["gamma=0.9", "gamma=0.99"]),
        (
            [["obs=ram"], ["obs=pixel"], ["obs=ram", "agent.gamma=0.9"]],
            [
                "obs=pixel, gamma=0.99",
                "obs=ram, gamma=0.9",
                "obs=ram, gamma=0.99",
            ],
        ),
        ([["logger.interval=7"], ["eval.interval=7"]], ["all runs"]),
        ([["env=pong"], ["env=breakout"]], ["all runs"]),
        ([["env=pong", "env.max_frames=5000"], ["env=breakout"]], ["all runs"]),  # set by the game
        (
            [["env.repeat_action_probability=0"], ["env.repeat_action_probability=0.25"]],
            ["repeat_action_probability=0", "repeat_action_probability=0.25"],
        ),
    ],
)
def test_sides_are_named_by_the_fewest_settings(tmp_path, runs, names):
    made = [read_run(make_run(tmp_path / str(i), *each)) for i, each in enumerate(runs)]
    assert [side.name for side in find_sides(made)] == names


def test_an_old_run_has_the_default_of_a_new_setting(tmp_path):
    folders = [make_run(tmp_path / name, f"seed={i}") for i, name in enumerate("ab")]
    config = folders[0] / "config.yaml"
    config.write_text(re.sub("^  momentum: .*\n", "", config.read_text(), flags=re.M))
    assert [side.name for side in find_sides([read_run(f) for f in folders])] == ["all runs"]
    raised = folders[1] / "config.yaml"
    raised.write_text(raised.read_text().replace("  momentum: 0.0\n", "  momentum: 0.9\n"))
    names = [side.name for side in find_sides([read_run(f) for f in folders])]
    assert names == ["momentum=0", "momentum=0.9"]


def test_only_settings_that_differ_are_listed(tmp_path):
    made = [read_run(make_run(tmp_path / obs, f"obs={obs}")) for obs in ("ram", "pixel")]
    names = set(differing(made))
    assert {"obs.name", "obs.window", "model.hidden", "train.steps"} <= names
    assert not {"agent.gamma", "env.game", "seed"} & names


@pytest.mark.parametrize(
    ("folders", "names"),
    [
        (
            ["agent=dqn,seed=0", "agent=dqn,seed=1", "agent=strong,seed=0"],
            ["agent=dqn", "agent=strong"],
        ),
        (["agent=dqn,model=dense", "agent=dqn,model=dense_2", "agent=strong,model=dense"], None),
        (["agent=dqn", "agent=dqn_2", "a"], None),
        (["agent=dqn,video=off", "agent=dqn,video=best", "agent=a"], ["agent=a", "agent=dqn"]),
        (["env=pong,agent=dqn", "agent=dqn", "agent=a~01234567"], None),
    ],
)  # fmt: skip
def test_sides_of_a_sweep_are_named_by_varied_settings(tmp_path, folders, names):
    kinds = (["agent=dqn", "seed=0"], ["agent=dqn", "seed=1"], ["seed=0"])
    runs = [
        read_run(make_run(tmp_path / folder, *kind, points=[1] * 20))
        for folder, kind in zip(folders, kinds, strict=True)
    ]
    found = [side.name for side in find_sides(runs)]
    assert found == names if names else all("agent=" not in name for name in found)
