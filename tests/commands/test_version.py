"""The version that is printed is that of the package."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import runner
from runner.__main__ import main


def test_version(capsys: Any, repository: Path) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"atari-runner {runner.__version__}\n"
    assert re.fullmatch(r"\d+\.\d+\.\d+", runner.__version__)
    assert f"\n## {runner.__version__}\n" in (repository / "CHANGELOG.md").read_text()
    assert f"\nversion: {runner.__version__}\n" in (repository / "CITATION.cff").read_text()
