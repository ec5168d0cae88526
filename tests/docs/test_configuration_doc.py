"""``docs/configuration.md``: tables match the fields, and statements are correct."""

from __future__ import annotations

import pytest
import yaml

from runner.settings.convert import fields_of, options_of
from runner.settings.protocols import PROTOCOLS
from runner.settings.reference import DOCUMENT, table, written
from runner.settings.schema import Config

TEXT = DOCUMENT.read_text(encoding="utf-8")
GROUPS = [name for name in fields_of(Config) if options_of(Config, name)]


def test_the_tables_are_up_to_date() -> None:
    assert written(TEXT) == TEXT, "stale: python -m runner.settings.reference"


@pytest.mark.parametrize("group", [*GROUPS, "run"])
def test_every_group_has_a_table_and_every_setting_a_sentence(group: str) -> None:
    assert f"<!-- settings: {group} -->" in TEXT
    rows = [line.split(" | ") for line in table(group).splitlines() if line.startswith("| `")]
    assert rows
    assert all(row[-1].rstrip("| ") for row in rows)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_the_table_of_protocols(protocol: str) -> None:
    row = next(line for line in TEXT.splitlines() if line.startswith(f"| `{protocol}` |"))
    values = [yaml.safe_load(cell) for cell in row.split("|")[2:7]]
    assert values == list(PROTOCOLS[protocol].values())
