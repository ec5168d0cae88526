"""The public way to an agent: the README's example runs as it stands, only shorter."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.slow
def test_the_readmes_example(repository: Path, tmp_path: Path) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", (repository / "README.md").read_text(), re.S)[1:]
    assert "build_agent(config, games)" in code
    shorter = code.replace("nb_steps=20_000", "nb_steps=200")
    assert shorter != code
    (tmp_path / "train_pong.py").write_text(shorter)
    ended = subprocess.run(
        [sys.executable, "train_pong.py"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(repository)},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert ended.returncode == 0, ended.stderr
    assert "Training for 200 steps" in ended.stdout
    assert (tmp_path / "pong.weights.h5").is_file()
