"""What several tests of the report look at."""

from __future__ import annotations

from pathlib import Path

import pytest
from made_runs import make_run, make_sweep

from runner import compare


@pytest.fixture(scope="session")
def swept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of a sweep, at its own place."""
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
    (run / "checkpoints" / "step_1000").write_bytes(b"")
    (run / "videos").mkdir()
    (run / "videos" / "step_00000900_score_40.mp4").write_bytes(b"film")
    assert compare.main([str(run)]) == 0
    return run
