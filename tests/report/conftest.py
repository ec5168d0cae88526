"""What several tests of the report look at."""

from __future__ import annotations

from pathlib import Path

import pytest
from made_runs import make_sweep

from runner import compare


@pytest.fixture(scope="session")
def swept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of a sweep, at its own place."""
    sweep = make_sweep(tmp_path_factory.mktemp("sweep"))
    assert compare.main([str(sweep)]) == 0
    return sweep / "report"
