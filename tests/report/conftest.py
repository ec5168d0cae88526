"""Fixtures for tests of the report."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from made_runs import make_run, make_sweep

from runner import compare


@pytest.fixture(scope="session")
def swept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of a sweep, in its default folder."""
    sweep = make_sweep(tmp_path_factory.mktemp("sweep"))
    assert compare.main([str(sweep)]) == 0
    return sweep / "report"


@pytest.fixture(scope="session")
def single(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run, with its page in its own folder."""
    run = make_run(
        tmp_path_factory.mktemp("one") / "it's my run", "env=breakout", "obs=ram",
        "agent.gamma=0.95", "seed=3", points=list(range(60)), score=33.3,
    )  # fmt: skip
    (run / "evaluations.csv").write_text("step,mean\n500,12\n1000,33.3\n")
    (run / "checkpoints").mkdir()
    (run / "checkpoints" / "step_000000001000.state.npz").write_bytes(b"")
    (run / "videos").mkdir()
    (run / "videos" / "step_00000900_score_40.mp4").write_bytes(b"film")
    assert compare.main([str(run)]) == 0
    return run


@pytest.fixture(scope="session")
def league(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of one agent in six games, one of them without a published human score."""
    top = tmp_path_factory.mktemp("league")
    scores = {"pong": 20.0, "breakout": 30.5, "freeway": 15.0, "tetris": 7.0, "boxing": 100.0}
    first = make_run(top / "alien", "env=alien", points=[1] * 20, score=227.8)
    for game, score in scores.items():
        shutil.copytree(first, top / game)
        for name, old, new in (
            ("config.yaml", "game: alien", f"game: {game}"),
            ("result.json", "227.8", str(score)),
            ("result.json", '"episodes": 30', '"episodes": 30, "std": 2.0'),
            ("result.json", '"steps": 1000', '"steps": 1000, "places": ["ball_x", 101]'),
        ):
            path = top / game / name
            path.write_text(path.read_text().replace(old, new))
    (top / "freeway" / "result.json").unlink()
    (top / "pong" / "report.html").write_text("its page")
    (top / "pong" / "videos").mkdir()
    (top / "pong" / "videos" / "step_00001000_score_21.mp4").write_bytes(b"film")
    assert compare.main([str(top)]) == 0
    return top / "report"
