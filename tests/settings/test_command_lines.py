"""Command lines generated from the settings: accepted, or refused in one line."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from marks import THOROUGH

from runner.errors import UserError
from runner.settings import command_line, compose
from runner.settings.convert import fields_of, options_of
from runner.settings.flags import parse_flags
from runner.settings.schema import Config


def names() -> list[str]:
    """All settings of all options."""
    found = [name for name in fields_of(Config) if not options_of(Config, name)]
    for group in fields_of(Config):
        for option in options_of(Config, group):
            found += [f"{group}.{name}" for name in fields_of(option)]
    return sorted(set(found))


OPTIONS = [
    f"{group}={file.stem}"
    for group in command_line.GROUPS
    if group not in ("hydra", "env", "experiment")
    for file in sorted((command_line.CONF_DIR / group).glob("*.yaml"))
]
NUMBERS = st.one_of(
    st.integers(-3, 3),
    st.integers(),
    st.sampled_from([2**31 - 1, 2**31, 2**63, 10**12, 10**30, -(2**63)]),
    st.floats(),
).map(str)
TRICKS = st.sampled_from(
    ["", "null", "true", "off", "~", ".inf", "-.inf", ".nan", "1e999", "0x10", "0o7", "1_000",
     "2001-01-01", "???", "${seed}", "${nope}", "${oc.env:NOPE}", "${hydra:runtime.cwd}", "$", "${",
     "!!python/object:os.system", "&a", "*a", "<<", "'", '"', "'a'", "\\", "a b", "a=b", "größe",
     "漢字", "\x00", "\u2028", "\n", "[]", "{}", "[[]]", "[1,2", "{a:1}", "{a:{b:[1]}}", "1,2",
     "range(3)", "choice(1,2)", "interval(0,1)", "glob(*)", "tag(a,1)", "sort(2,1)", "int(x)",
     "[" * 50 + "]" * 50, "9" * 5000, "x" * 20_000]
)  # fmt: skip
VALUES: st.SearchStrategy[str] = st.one_of(
    NUMBERS,
    TRICKS,
    st.text(max_size=12),
    st.lists(st.one_of(NUMBERS, TRICKS), max_size=3).map(lambda v: f"[{','.join(v)}]"),
)
KEYS = st.one_of(
    st.sampled_from(names()),
    st.sampled_from(names()).map(lambda name: name[:-1]),
    st.sampled_from(names()).map(lambda name: f"{name}.x"),
    st.sampled_from(names()).map(lambda name: f"{name}[0]"),
    st.sampled_from(names()).map(lambda name: f"+{name}"),
    st.sampled_from(["env", "agent", "obs", "hydra.run.dir", "hydra.mode", "hydra.nope"]),
    st.text(max_size=8),
)
ARGUMENTS = st.one_of(
    st.builds("{}={}".format, KEYS, VALUES),
    st.builds("{}={}".format, KEYS, VALUES),
    st.sampled_from(OPTIONS),
    st.sampled_from(["-m", "--cfg=job", "--cfg", "--nope", "-", "--", "~seed", "a" * 70_000, "="]),
    st.text(max_size=8),
)


def check_line(arguments: list[str]) -> None:
    try:
        given = parse_flags(arguments)
        run = compose.load_run(
            command_line.with_paths_quoted(["memory.limit=20000", *given.settings])
        )
        run.folder()
    except UserError as error:
        text = str(error)
        assert text
        assert len(text) <= 300
        assert text.isprintable()
        return
    assert isinstance(run.config, Config)
    written = dataclasses.asdict(run.config)
    assert compose.typed(written) == run.config


SLOW: Any = {"deadline": None, "suppress_health_check": list(HealthCheck)}


@given(st.lists(ARGUMENTS, min_size=1, max_size=3))
@settings(max_examples=15, **SLOW)
def test_every_command_line_is_accepted_or_refused_in_one_line(arguments: list[str]) -> None:
    check_line(arguments)


@pytest.mark.slow
@given(st.lists(ARGUMENTS, min_size=1, max_size=3))
@settings(max_examples=2000 if THOROUGH else 100, **SLOW)
def test_many_command_lines(arguments: list[str]) -> None:
    check_line(arguments)
