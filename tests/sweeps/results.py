"""What two equal sweeps have in common."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


def results(sweep: Path) -> dict[str, Any]:
    """Evaluations and training games of every run, without wall times."""
    found = {}
    for run in sorted(sweep.glob("seed=*")):
        rows = [line.split(",") for line in (run / "metrics.csv").read_text().splitlines()]
        timed = rows[0].index("wall_time")
        games = [row[:timed] + row[timed + 1 :] for row in rows]
        result = json.loads((run / "result.json").read_text())
        evaluations = [
            line.split(",")[:2] for line in (run / "evaluations.csv").read_text().splitlines()
        ]
        found[run.name] = (result["steps"], result["evaluation"]["mean"], games, evaluations)
    return found
