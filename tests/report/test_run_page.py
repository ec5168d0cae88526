"""The page of one run, from the command and at the end of training."""

from __future__ import annotations

import html
import re
import shlex
from pathlib import Path

import pytest
from made_runs import make_run

from runner.report.beside import reference_lines, rows
from runner.report.run_page import announce_page, write_page
from runner.report.runs import Run, read_run
from runner.run_directory import RunDirectory
from runner.scores import published


@pytest.fixture
def text(single: Path) -> str:
    return html.unescape((single / "report.html").read_text())


def test_the_page_answers_a_readers_questions(text):
    for section in (
        "Learning curve", "Best game", "How to continue", "Settings that differ", "Costs",
    ):  # fmt: skip
        assert f">{section}" in text
    assert "<h1>breakout, ram: 33.3 points</h1>" in text
    assert "Mean score 33.3 over 30 games after training." in text
    assert "intermediate evaluations" in text
    assert "data:video/mp4;base64," in text


def test_commands_can_be_pasted_into_a_shell(single, text):
    commands = [shlex.split(each) for each in re.findall(r"<pre.*?><code>(.*?)</code>", text)]
    assert ["python", "-m", "runner", f"resume={single}", "train.steps=2000"] in commands
    assert ["python", "-m", "runner.evaluate", f"run={single}", "episodes=100"] in commands
    for command in ("runner.watch", "runner.explain", "runner.lab"):
        assert ["python", "-m", command, f"run={single}"] in commands


@pytest.mark.parametrize(
    ("score", "expected"),
    [
        (5, "resume={} train.steps=2000 train.episodes=40 train.minutes=25"),
        (None, "resume={}"),
    ],
)
def test_a_run_is_resumed_past_every_limit(tmp_path, score, expected):
    run = make_run(
        tmp_path / "a", "train.episodes=20", "train.minutes=12.5", points=[1] * 20, score=score
    )
    checkpoints = RunDirectory(run).checkpoints
    checkpoints.mkdir()
    (checkpoints / "step_000000001000.replay.npz").write_bytes(b"")  # interrupted before its state
    assert "resume=" not in write_page(run).read_text()
    (checkpoints / "step_000000001000.state.npz").write_bytes(b"")
    assert f"python -m runner {expected.format(run)}</code>" in write_page(run).read_text()


def test_only_settings_that_differ_from_the_default_are_listed(text):
    section = text[text.index('id="settings"') : text.index('id="costs"')]
    listed = re.findall(r"<th scope=\"row\"><code>(.*?)</code>", section)
    assert {"agent.gamma", "seed"} <= set(listed)
    assert not {"agent.name", "env.game", "obs.name", "model.hidden"} & set(listed)


def test_published_scores_are_shown_with_their_differences(single, text):
    assert ">DQN (Nature)" in text
    by_name = {row.name: row for row in rows(read_run(single), [("this run", 33.3, 4000.0)])}
    assert [by_name[name].score for name in ("random play", "human", "Rainbow")] == [
        1.7, 30.5, 417.5,
    ]  # fmt: skip
    assert by_name["this run"].own
    assert by_name["this run"].human == pytest.approx((33.3 - 1.7) / (30.5 - 1.7))
    assert by_name["BBF 100k"].note == "no sticky actions, 100 times the frames"
    assert by_name["human"].note == ""
    long = {row.name: row.note for row in rows(read_run(single), [("this run", 33.3, 2e8)])}
    assert long["BBF 100k"] == "no sticky actions, 0.2% of the frames"
    scores = [row.score for row in rows(read_run(single), [("this run", 33.3, 4000.0)])]
    assert scores == sorted(scores)


@pytest.mark.parametrize(("sticky", "drawn"), [(0.25, False), (0.0, True)])
def test_reference_lines_require_the_same_sticky_actions(sticky, drawn):
    run = Run(Path(), {"env.game": "breakout", "env.repeat_action_probability": sticky})
    lines = reference_lines(run)
    assert {"random play", "human"} <= set(lines)
    assert ("DQN (Nature), 200 M frames" in lines) == drawn


def test_a_game_without_published_scores_is_marked(tmp_path):
    run = make_run(tmp_path / "a", "env=tetris", points=[1] * 20, score=5)
    text = write_page(run).read_text()
    assert "tetris has no published scores" in text
    assert not any("tetris" in agent.scores for agent in published().values())
    assert 'id="beside"' not in text


def test_a_run_without_games_video_or_checkpoint_has_a_page(tmp_path):
    run = make_run(tmp_path / "a")
    text = write_page(run).read_text()
    assert "not finished" in text
    assert "None was recorded." in text
    assert "resume=" not in text


def test_a_page_error_at_the_end_of_training_is_a_warning(tmp_path, capsys):
    run = make_run(tmp_path / "a", points=[1] * 20, score=5)
    announce_page(run)
    assert capsys.readouterr().out == f"page: {run / 'report.html'}\n"
    (run / "config.yaml").unlink()
    announce_page(run)
    assert capsys.readouterr().err.startswith("warning: no page of the run: ")
