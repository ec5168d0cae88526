"""Saved settings are data: nothing in them is resolved, and no file keeps the reader busy."""

from __future__ import annotations

import itertools

import pytest

from runner.errors import UserError
from runner.settings import compose


def test_nothing_is_resolved(tmp_path, monkeypatch):
    monkeypatch.setenv("SECRET", "hunter2")
    path = tmp_path / "config.yaml"
    path.write_text("seed: ${oc.env:SECRET}\nagent: {gamma: '${seed}'}\n")
    found = compose.read_plain(path)
    assert (found["seed"], found["agent.gamma"]) == ("${oc.env:SECRET}", "${seed}")


BOMB = "a: &a [x, x]\n" + "".join(
    f"{b}: &{b} [*{a}, *{a}]\n" for a, b in itertools.pairwise("abcdefg")
)


@pytest.mark.parametrize(
    "text",
    [BOMB, "a: [", "- 1", "a: ${", "a: " + "[" * 90_000, "a: " + "9" * 5000, "a: " + "x" * 200_001],
)
def test_a_file_that_is_no_settings_is_one_line(tmp_path, text):
    path = tmp_path / "config.yaml"
    path.write_text(text)
    with pytest.raises(UserError, match="cannot be read") as caught:
        compose.read_plain(path)
    assert "\n" not in str(caught.value)
