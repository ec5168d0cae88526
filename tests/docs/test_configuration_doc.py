"""``docs/configuration.md`` names every setting of the schema, no other, and its default."""

from __future__ import annotations

import dataclasses
import re
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from runner.settings import compose
from runner.settings.checks import value_of
from runner.settings.protocols import PROTOCOLS
from runner.settings.schema import Config

TEXT = (Path(__file__).parents[2] / "docs" / "configuration.md").read_text()

# Rows of the tables of settings: | `name` | `default` | ...
DOCUMENTED = dict(re.findall(r"^\| `([a-z0-9_.]+)` \| `([^`]*)` \|.*\|.*\|$", TEXT, re.MULTILINE))
# What stands behind `auto` once the settings are composed.
BEHIND_AUTO = {"env.num_envs": 64}


def settings(node: Any = Config, prefix: str = "") -> Iterator[str]:
    for name, kind in typing.get_type_hints(node).items():
        if dataclasses.is_dataclass(kind):
            yield from settings(kind, f"{prefix}{name}.")
        else:
            yield prefix + name


def test_every_setting_is_documented_and_nothing_else() -> None:
    protocols = set(PROTOCOLS)  # rows of the table of protocols
    assert set(DOCUMENTED) - protocols == set(settings())


@pytest.fixture(scope="module")
def defaults() -> Config:
    compose.register()
    return compose.load([])


@pytest.mark.parametrize("name", list(settings()))
def test_the_documented_default_is_the_default(name: str, defaults: Config) -> None:
    documented = yaml.safe_load(DOCUMENTED[name])
    assert BEHIND_AUTO.get(name, documented) == value_of(defaults, name)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_the_table_of_protocols_is_theirs(protocol: str) -> None:
    row = next(line for line in TEXT.splitlines() if line.startswith(f"| `{protocol}` |"))
    values = [yaml.safe_load(cell) for cell in row.split("|")[2:7]]
    assert values == list(PROTOCOLS[protocol].values())
