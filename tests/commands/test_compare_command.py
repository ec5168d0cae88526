"""The page of a run of the train command."""

from __future__ import annotations

import json
import re
from pathlib import Path

from commands.commands_started import Ended

from runner import compare
from runner.report.figures import points


def test_a_page_of_a_real_run(here, pixel_run):
    ended: Ended = here(compare.main, str(pixel_run.folder), "out=made")
    assert (ended.code, ended.err) == (0, "")
    text = Path("made/report.html").read_text()
    result = json.loads((pixel_run.folder / "result.json").read_text())
    assert f"Mean score {points(result['evaluation']['mean'])} over" in text
    shown = dict(re.findall(r'data-measure="(\w+)"><span data-column="value">(.*?)</span>', text))
    assert shown["frames"] == f"{result['frames']:,}"
    assert shown["memory_bytes"] == f"{result['memory_bytes'] / 1e6:,.0f} MB"


def test_training_ends_with_a_page(pixel_run):
    page = pixel_run.folder / "report.html"
    assert pixel_run.ended.out.splitlines()[-1] == f"page: {page}"
    assert "breakout" in page.read_text()
