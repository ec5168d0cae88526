"""What the documents point at exists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCUMENTS = [
    "README.md",
    "CONTRIBUTING.md",
    "docs/algorithms.md",
    "docs/compare.md",
    "docs/configuration.md",
    "docs/design.md",
    "docs/learning.md",
    "docs/logging.md",
    "docs/performance.md",
    "docs/report.md",
    "docs/results.md",
    "docs/sweeps.md",
    "docs/tutorials.md",
    "docs/videos.md",
    "pretrained/README.md",
]


def links(document: str) -> list[str]:
    targets = re.findall(r"\]\(([^)#]+)[^)]*\)", (ROOT / document).read_text())
    return [target for target in targets if "://" not in target]


@pytest.mark.parametrize(
    ("document", "target"), [(name, target) for name in DOCUMENTS for target in links(name)]
)
def test_links_lead_somewhere(document: str, target: str) -> None:
    assert ((ROOT / document).parent / target).exists()


def folders() -> list[str]:
    section = (ROOT / "README.md").read_text().split("## What is where")[1].split("\n## ")[0]
    return re.findall(r"^\| `([\w/]+/)` \|", section, re.MULTILINE)


@pytest.mark.parametrize("folder", folders())
def test_folders_of_the_table_exist(folder: str) -> None:
    assert (ROOT / folder).is_dir()


def test_readme_opens_with_the_two_commands() -> None:
    blocks = re.findall(r"```\w*\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    setup = "python3 -m venv .venv && . .venv/bin/activate && pip install -r"
    assert blocks[0] == f"{setup} requirements.txt && python -m runner env=spaceinvaders obs=ram\n"
    assert blocks[1] == f"{setup} requirements-dev.txt && pytest\n"


@pytest.mark.parametrize("path", ["requirements.txt", "requirements-dev.txt", "LICENSE"])
def test_files_of_the_commands_exist(path: str) -> None:
    assert (ROOT / path).is_file()


def test_files_named_in_commands_exist() -> None:
    named = set(re.findall(r"=(tests/data/\S+)", (ROOT / "README.md").read_text()))
    assert named
    for name in named:
        assert (ROOT / f"{name}.index").is_file()
