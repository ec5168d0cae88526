"""``python -m runner.places``: which bytes of a game behave like positions."""

from __future__ import annotations

import pytest

from runner.places import main


@pytest.mark.slow
def test_the_table_of_a_game(tmp_path, capsys):
    out = tmp_path / "places.md"
    assert main(["env=breakout", "steps=480", f"out={out}"]) == 0
    (row,) = [line for line in out.read_text().splitlines() if line.startswith("| breakout")]
    assert row in capsys.readouterr().out
    assert "paddle_x (72)" in row


def test_a_file_in_the_home_folder(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr("runner.places.table", lambda games, steps: ["| a row |"])
    assert main(["env=pong", "out=~/places.md"]) == 0
    assert (tmp_path / "places.md").read_text().endswith("| a row |\n")


@pytest.mark.parametrize(
    ("argument", "shown"),
    [
        ("steps=0", "steps=0: expected an integer from 16"),
        ("steps=1000000000", "from 16 to 1000000"),
        ("env=pongg", "env=pongg: did you mean pong"),
        ("out=no/such/a.md", "out=no/such/a.md"),
        ("out=/", "out=/: expected a file"),
    ],
)
def test_impossible_requests_are_refused_in_one_line(argument, shown, capsys):
    assert main([argument]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert shown in line
