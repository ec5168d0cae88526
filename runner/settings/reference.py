"""Generates the tables of ``docs/configuration.md`` from the settings' fields.

python -m runner.settings.reference
"""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path
from typing import Any, Final

from models.setting import REQUIRED
from runner.settings.convert import fields_of, hints_of, options_of, told_apart_by
from runner.settings.schema import Config

DOCUMENT: Final = Path(__file__).resolve().parents[2] / "docs" / "configuration.md"
_MARKS: Final = re.compile(r"(<!-- settings: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)
_HEAD: Final = "| name | default | allowed | meaning |\n|---|---|---|---|\n"
_TYPES: Final = {bool: "true or false", str: "text"}


def table(group: str) -> str:
    """The table of a group, or of the settings outside any group (``run``)."""
    if group == "run":
        names = [name for name in fields_of(Config) if not options_of(Config, name)]
        return _HEAD + "".join(_row(name, name, [Config], [Config]) for name in names)
    options = options_of(Config, group)
    names = list(dict.fromkeys(name for option in options for name in fields_of(option)))
    text = _HEAD if len(options) == 1 else _list_of(options, group) + _HEAD
    for name in names:
        having = [option for option in options if name in fields_of(option)]
        text += _row(f"{group}.{name}", name, having, options)
        for entry in options_of(having[0], name):
            text += _entry(group, name, entry)
    return text


def _list_of(options: list[type], group: str) -> str:
    by = told_apart_by(options)
    assert by is not None
    lines = [f"- `{group}.{by}={fields_of(o)[by].default}`: {_first_line(o)}" for o in options]
    return "\n".join(lines) + "\n\n"


def _entry(group: str, name: str, entry: type) -> str:
    kind = fields_of(entry)["kind"].default
    rows = [f for f in fields_of(entry) if f != "kind"]
    text = f"| `{group}.{name}[]` | `kind: {kind}` | | {_first_line(entry)} |\n"
    return text + "".join(_row(f"{group}.{name}[].{f}", f, [entry], [entry]) for f in rows)


def _first_line(cls: type) -> str:
    return (cls.__doc__ or "").strip().splitlines()[0].rstrip(".").replace("``", "`")


def _row(full: str, name: str, having: list[type], options: list[type]) -> str:
    defaults = list(dict.fromkeys(_default(fields_of(option)[name]) for option in having))
    metadata = fields_of(having[0])[name].metadata
    allowed = metadata["rule"].allowed if "rule" in metadata else ""
    allowed = allowed or _TYPES.get(hints_of(having[0])[name], "")
    place = full.rpartition(".")[0]
    conditions = [f"`{place}.{o}` is {r.allowed}" for o, r in metadata.get("needs", {}).items()]
    needed = f"if {' and '.join(conditions)}: " if conditions else ""
    sentence = needed + metadata.get("sentence", "")
    if metadata.get("is_option"):
        allowed = f"one of {', '.join(str(fields_of(o)[name].default) for o in having)}"
        sentence = f"use `{full.partition('.')[0]}=` instead"
    if len(having) < len(options):
        by = told_apart_by(options)
        assert by is not None
        names = ", ".join(f"`{fields_of(option)[by].default}`" for option in having)
        sentence = f"{names}: {sentence}"
    cells = (f"`{full}`", ", ".join(defaults), allowed, sentence)
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |\n"


def _default(field: dataclasses.Field[Any]) -> str:
    if field.default == REQUIRED:
        return ""
    has_factory = field.default_factory is not dataclasses.MISSING
    value = field.default_factory() if has_factory else field.default  # type: ignore[operator]
    if isinstance(value, list) and value and dataclasses.is_dataclass(value[0]):
        value = f"[{', '.join(entry.kind for entry in value)}]"
    if value is None or isinstance(value, bool):
        return f"`{'null' if value is None else str(value).lower()}`"
    return f"`{value}`"


def written(text: str) -> str:
    """``text`` with every table between its marks regenerated."""
    return _MARKS.sub(lambda match: match[1] + table(match[2]) + match[3], text)


USAGE: Final = "python -m runner.settings.reference"

if __name__ == "__main__":
    DOCUMENT.write_text(written(DOCUMENT.read_text(encoding="utf-8")), encoding="utf-8")
