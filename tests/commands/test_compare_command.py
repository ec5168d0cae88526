"""The report of runs that the train command made."""

from __future__ import annotations

import csv
import json
from pathlib import Path

from commands.commands_started import Ended

from runner import compare


def test_a_real_run_becomes_a_report(here, pixel_run):
    ended: Ended = here(compare.main, str(pixel_run.folder), "out=made")
    assert (ended.code, ended.err) == (0, "")
    with open("made/summary.csv", newline="") as file:
        rows = {row["measure"]: row["value"] for row in csv.DictReader(file)}
    result = json.loads((pixel_run.folder / "result.json").read_text())
    assert float(rows["mean"]) == result["evaluation"]["mean"]
    assert float(rows["frames"]) == result["frames"]
    assert float(rows["memory_bytes"]) == result["memory_bytes"] > 100_000_000
    assert "breakout" in Path("made/report.html").read_text()
