"""The report of runs that the train command made."""

from __future__ import annotations

import csv
import json
from pathlib import Path

from commands_started import Ended

from runner import compare


def test_a_real_sweep_becomes_a_report(here, sweep_run):
    ended: Ended = here(compare.main, str(sweep_run.folder), "out=made")
    assert (ended.code, ended.err) == (0, "")
    with open("made/summary.csv", newline="") as file:
        rows = {(row["side"], row["measure"]): row["value"] for row in csv.DictReader(file)}
    results = [json.loads(path.read_text()) for path in sweep_run.folder.rglob("result.json")]
    assert len(results) == 2
    for result in results:
        side = f"obs={result['obs']}"
        assert float(rows[side, "mean"]) == result["evaluation"]["mean"]
        assert float(rows[side, "frames"]) == result["frames"]
        assert float(rows[side, "memory_bytes"]) == result["memory_bytes"] > 100_000_000
    assert "obs=pixel against obs=ram" in Path("made/report.html").read_text()
