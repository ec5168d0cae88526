"""Contents of the wheel; CI builds it, installs it alone, and trains."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import runner
from runner.__main__ import main
from runner.shipped import shipped


def test_one_version(capsys: Any, repository: Path) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"atari-runner {runner.__version__}\n"
    assert re.fullmatch(r"\d+\.\d+\.\d+", runner.__version__)
    assert f"\n## {runner.__version__}\n" in (repository / "CHANGELOG.md").read_text()
    assert f"\nversion: {runner.__version__}\n" in (repository / "CITATION.cff").read_text()


def test_every_folder_of_code_is_a_package(repository: Path) -> None:
    sources = [path for name in ("runner", "models") for path in (repository / name).rglob("*.py")]
    assert {path.parent for path in sources} == {
        path.parent for path in sources if path.name == "__init__.py"
    }


def test_packaged_files(repository: Path) -> None:
    """In a checkout they are the repository's own."""
    assert shipped("conf") == repository / "conf"
    assert shipped("pretrained") == repository / "pretrained"
