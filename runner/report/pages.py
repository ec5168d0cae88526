"""Renders the page templates and writes the files of a report atomically."""

from __future__ import annotations

import base64
import csv
import io
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final

import jinja2
from numpy.typing import NDArray

from runner.files import written_whole

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
    with written_whole(path) as file:
        file.write(text.encode(errors="replace"))


def data_uri(data: bytes, kind: str = "image/png") -> str:
    """A file as the source of an ``img`` or ``video``."""
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"


def png(rgb: NDArray[Any]) -> bytes:
    """(height, width, 3) uint8 RGB as a PNG file."""
    import cv2  # imported late: most pages have no screens

    written, data = cv2.imencode(".png", cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR))
    assert written
    return bytes(data)
