"""``python -m runner.explain``: refusals of agents and runs it cannot explain."""

from __future__ import annotations

import re

import pytest
from checkpoint.runs import SMALL

from runner.agent.build import make_model
from runner.environments.atari import AtariGame
from runner.explain.__main__ import main
from runner.run_directory import RunDirectory


@pytest.mark.slow
def test_an_agent_of_ram_and_screen_is_refused(load, tmp_path, capsys):
    config = load(*SMALL, "env.num_envs=2", "obs=both", "obs.height=36", "obs.width=36")
    run = RunDirectory.claim(tmp_path / "run", config, may_rename=False)
    game = AtariGame(config.env, config.obs)
    model = make_model(config, game.observation_space.shape, len(game.actions))
    model.save_weights(run.final_weights)
    assert main([f"run={run.folder}"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line == "error: obs=both: expected an agent with obs=ram or obs=pixel"
    assert not list(run.folder.glob("explain*"))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "sections"),
    [
        ("pong_ram", ["answer", "grid", "bytes", "pairs", "states", "curves", "limits"]),
        ("pong_screen", ["states", "limits"]),
    ],
)
def test_a_page_explains_agents_of_ram_and_of_the_screen(name, sections, tmp_path, capsys):
    page = tmp_path / "page.html"
    short = ("minutes=0.02", "episodes=1", "states=64", f"out={page}")
    assert main([f"pretrained={name}", *short]) == 0
    assert f"page: {page}" in capsys.readouterr().out
    text = page.read_text()
    assert re.findall(r'<h2 id="(\w+)-head"', text) == sections
    assert text.count("data:image/png;base64,") >= 1


@pytest.mark.parametrize(
    ("typed", "parts"),
    [
        ([], ["python -m runner.explain"]),
        (["run=no/such"], ["run=no/such"]),
        (["pretrained=pong_rm"], ["pretrained=pong_rm", "pong_ram"]),
        (["pretrained=pong_ram", "states=0"], ["states=0"]),
        (["pretrained=pong_ram", "minutes=inf"], ["minutes=inf"]),
        (["pretrained=pong_ram", "out=/proc/a.html"], ["/proc"]),
        (["pretrained=pong_ram", "out=a.png"], ["out=a.png", ".html"]),
    ],
)
def test_bad_input_is_one_line(typed, parts, capsys):
    assert main(typed) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: ")
    assert len(line) <= 300
    assert all(part in line for part in parts)
