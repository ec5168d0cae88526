"""The example notebook, cell by cell."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# Like a notebook's kernel: runs the cells in order in one process, in the main thread.
KERNEL = """
import json, sys
cells = json.load(sys.stdin)
names = {"__name__": "__main__"}
for cell in cells:
    exec(compile(cell, "cell", "exec"), names)
run, curve, film = names["run"], names["curve"], names["film"]
assert run.exit_code == 0 and run.page.is_file() and run.result["steps"] >= 1200
assert run.score == run.result["evaluation"]["mean"]
assert len(curve["step"]) == len(curve["episode_return"])
assert film.stat().st_size > 1000
"""


@pytest.mark.slow
def test_every_notebook_cell_runs(tmp_path: Path) -> None:
    notebook = json.loads((ROOT / "docs" / "notebook.ipynb").read_text())
    code = ["".join(c["source"]) for c in notebook["cells"] if c["cell_type"] == "code"]
    code[0] = code[0].replace(
        '"train=smoke"',
        '"train=smoke", "env.max_frames=400", "env.num_envs=8", '
        '"model.hidden=[16]", "agent.jit_compile=false", "agent=dqn", "video=off"',
    )
    ended = subprocess.run(
        [sys.executable, "-c", KERNEL],
        input=json.dumps(code),
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert ended.returncode == 0, ended.stderr
