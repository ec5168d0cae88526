"""``python -m runner.compare DIR [DIR...]``: compares runs and writes the report."""

from __future__ import annotations

import math
import sys
from pathlib import Path

from runner.commands import HELP, guarded, parse_settings
from runner.errors import UserError, wrong
from runner.files import typed_path
from runner.run_directory import RunDirectory

USAGE = "python -m runner.compare DIR [DIR...] [out=DIR] [score=POINTS]"


@guarded
def main(arguments: list[str]) -> int:
    """Runs the command. Returns the exit code."""
    settings = [a for a in arguments if a.startswith(("out=", "score=")) or a in HELP]
    folders = [_folder(a) for a in arguments if a not in settings]
    given = parse_settings(settings, {"out": str, "score": float}, USAGE)
    if not folders:
        raise UserError(f"compare: no folder given; expected {USAGE}")
    if not math.isfinite(given.get("score", 0.0)):
        raise wrong("score", given["score"], "a number of points")
    out = typed_path(given["out"]) if "out" in given else _default_out(folders)

    from runner.report.write import write_report

    print(f"report: {write_report(folders, out, given.get('score'))}")
    return 0


def _default_out(folders: list[Path]) -> Path:
    """A run's folder; otherwise ``report`` in the folder, or for several folders, here."""
    if len(folders) > 1:
        return Path("report")
    is_run = RunDirectory(folders[0]).config.is_file()
    return folders[0] if is_run else folders[0] / "report"


def _folder(typed: str) -> Path:
    folder = typed_path(typed)
    if not folder.is_dir() and (typed.startswith("-") or "=" in typed):
        raise UserError(f"{typed}: no such folder or setting; expected {USAGE}")
    return folder


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
