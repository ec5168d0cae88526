"""Renders the page templates and writes the files of a report atomically."""

from __future__ import annotations

import csv
import io
import os
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final

import jinja2

from runner.report.runs import clipped

_TEMPLATES: Final = jinja2.Environment(
    # Templates of this package by name, those of other packages as package/name.
    loader=jinja2.FileSystemLoader([Path(__file__).parent, Path(__file__).parents[1]]),
    autoescape=True,
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def rendered(template: str, **content: Any) -> str:
    """Fills ``template``: of this package, or of another as ``package/name.html``."""
    return _TEMPLATES.get_template(template).render(content)


def write_html(path: Path, template: str, **content: Any) -> Path:
    """Fills ``template`` and writes it to ``path``; returns the path."""
    write(path, rendered(template, **content))
    return path


def write_csv(path: Path, rows: Iterable[Sequence[str | float]]) -> None:
    """Writes rows of text and numbers; NaN is empty, and text cannot become a formula."""
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows([_cell(each) for each in row] for row in rows)
    write(path, out.getvalue())


def _cell(value: str | float) -> str:
    if isinstance(value, str):
        return f"'{value}" if value[:1] in tuple("=+-@\t\r") else value
    return "" if value != value else f"{value:.10g}"


def write(path: Path, text: str) -> None:
    """Writes ``text`` to a temporary file, then renames it."""
    aside = path.with_name(f".{path.name}.tmp")
    aside.write_text(text, encoding="utf-8", errors="replace")
    os.replace(aside, path)


def file_name(text: str) -> str:
    """``text`` as a file name."""
    return re.sub(r"[^\w.-]", "_", text)


def one_line(error: BaseException) -> str:
    """An error as one line, for a warning."""
    return clipped(" ".join(str(error).split()) or type(error).__name__, 250)
