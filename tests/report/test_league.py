"""The page of one agent in many games, and its experiment."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from matplotlib.figure import Figure

from runner import compare
from runner.report.charts import profile_chart
from runner.scores import published
from runner.settings import compose, sweeps
from runner.settings.games import all_games


@pytest.fixture
def text(league: Path) -> str:
    return (league / "report.html").read_text()


def test_one_row_per_finished_game(text):
    rows = re.findall(r'<tr><th scope="row" data-value="(\w+)">', text)
    assert rows == ["alien", "boxing", "breakout", "pong", "tetris"]
    assert "freeway, seed 0: not finished" in text


def test_key_figures_of_a_league(text):
    key = dict(re.findall(r"<dt>([^<]*)</dt><dd>([^<]*)</dd></div>", text))
    assert key["games with a score"] == "5"
    assert key["at or above human"] == "3 of 4"  # alien scores like random play
    assert key["median, human-normalised"] == "107.6%"  # of 0, 1, 1.153 and 8.325
    assert float(key["mean, human-normalised"].rstrip("%")) == pytest.approx(261.9, abs=0.1)


def test_a_row_of_the_league(text):
    row = text[text.index('data-value="pong"') :]
    row = row[: row.index("</tr>")]
    assert '<a href="../pong/report.html">pong</a>' in row
    assert "19.3 to 20.7" in row  # 20 with a standard deviation of 2 in 30 games
    assert "ball_x, 101" in row
    assert 'href="../pong/videos/step_00001000_score_21.mp4"' in row
    assert "1.153" in row


def test_the_profile_shows_published_agents(league, text):
    assert "Performance profile" in text
    assert "this agent: 75% at 0.25, 75% at 0.5, 75% at 1, 25% at 2 or more" in text
    assert "DQN (Nature)" in text
    assert (league / "profile.png").read_bytes().startswith(b"\x89PNG")
    assert not re.findall(r'(?:src|href)="https?:', text)


def test_the_lines_of_a_png_file_are_named(tmp_path, monkeypatch):
    names = {}

    def noted(canvas, target, **how):
        legend = canvas.axes[0].get_legend()
        names[target] = [text.get_text() for text in legend.get_texts()] if legend else []
        save(canvas, target, **how)

    save = Figure.savefig
    monkeypatch.setattr(Figure, "savefig", noted)
    png = tmp_path / "profile.png"
    profile_chart("A profile", {"this agent": [0.5], "human": [1.0]}, png)
    assert names.pop(png) == ["this agent", "human"]
    assert list(names.values()) == [[]]  # the page has its own legend


def test_the_table_for_documents(league):
    lines = (league / "league.md").read_text().splitlines()
    head, pong = (
        next(line for line in lines if line.startswith(f"| {name} |")) for name in ("game", "pong")
    )
    cells = ([cell.strip() for cell in line.split("|")] for line in (head, pong))
    row = dict(zip(*cells, strict=True))
    assert row["score"] == "20.0"
    assert row["95 % interval"] == "19.3 to 20.7"
    assert (row["random play"], row["human"], row["DQN (Nature)"]) == ("-20.7", "14.6", "18.9")
    assert row["human-normalised"] == "115.3%"
    assert row["places found"] == "ball_x, 101"
    assert any("freeway (seed 0: not finished" in line for line in lines)


def test_the_experiment_plays_the_57_games():
    hydra = sweeps.hydra_settings(["experiment=league"])
    overrides = sweeps.swept(["experiment=league"], hydra)
    values = {each.get_key_element(): each for each in overrides}
    games = list(values["env"].sweep_string_iterator())
    assert sorted(games) == sorted(published()["human"].scores)
    assert set(games) <= set(all_games())
    fixed = [str(each.input_line) for key, each in values.items() if key != "env"]
    config = compose.load(["env=pong", *fixed])
    assert (config.env.game, config.env.protocol, config.video.name) == ("pong", "nature", "best")
    assert (config.eval.episodes, config.train.minutes) == (30, None)


def test_env_all_means_every_game():
    typed = ["experiment=league", "env=all", "seed=0,1"]
    hydra = sweeps.hydra_settings(typed)
    assert hydra.mode.name == "MULTIRUN"
    runs = sweeps.grid(sweeps.swept(typed, hydra))
    assert len(runs) == 2 * len(all_games()) > 200
    assert sum(f"env={game}" in run for run in runs for game in all_games()) == len(runs)


def test_a_league_without_videos_has_no_column_for_them(league, text, tmp_path):
    shutil.copytree(league.parent, tmp_path / "league")
    shutil.rmtree(tmp_path / "league" / "pong" / "videos")
    assert compare.main([str(tmp_path / "league")]) == 0
    assert "Best game" in text
    assert "Best game" not in (tmp_path / "league" / "report" / "report.html").read_text()
