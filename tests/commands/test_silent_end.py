"""Commands in processes of their own write nothing to standard error, to their very end."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from commands.commands_started import finish, start
from marks import slow_but

COMMANDS = {
    "runner.evaluate": ["episodes=1"],
    "runner.watch": ["overlay=true", "window=false"],
    "runner.explain": ["minutes=0.02", "episodes=1", "states=64", "out=page.html"],
}


@pytest.mark.parametrize("module", slow_but({"runner.evaluate"}, COMMANDS))
def test_nothing_on_standard_error(module: str, tiny_run: Any, tmp_path: Path) -> None:
    ended = finish(start(module, [f"run={tiny_run.folder}", *COMMANDS[module]], tmp_path))
    assert (ended.code, ended.err) == (0, "")
