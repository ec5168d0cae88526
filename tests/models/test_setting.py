"""Refusals of declared settings and their messages."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import pytest

from models import setting as s


@dataclass
class Part:
    kind: str = s.option("part")
    width: int = s.setting(3, s.between(1, 9), "how wide")


@dataclass
class Group:
    parts: list[Part] = s.setting([], s.ANY, "its parts")
    share: float = s.setting(0.5, s.share(), "of the whole")
    nested: Part = field(default_factory=Part)


@pytest.mark.parametrize(
    ("rule", "good", "bad", "allowed"),
    [
        (s.between(0, 1), [0, 0.5, 1], [-1, 1.1, math.nan], "a number from 0 to 1"),
        (s.at_least(1, "steps"), [1, 10**12], [0, -3], "an integer >= 1 (steps)"),
        (s.at_least(1, "steps"), [], [10**13], "at most 1,000,000,000,000"),
        (s.at_least(0.0), [0.0, 1e30], [-1.0, math.inf, math.nan], "a number >= 0"),
        (s.above(0.0), [1e-9, math.inf], [0, math.nan], "a number > 0"),
        (s.finite_above(0.0), [1.0], [0, math.inf, math.nan], "a finite number > 0"),
        (s.finite(), [-1.0], [math.inf, math.nan], "a finite number"),
        (s.share(), [0, 0.9], [1, -0.1], "a number >= 0 and < 1"),
        (s.one_of("a", "b"), ["a"], ["c", ""], "one of a, b"),
        (s.integers(1, 9), [[], [1, 9]], [[0], [1, 10]], "a list of integers from 1 to 9"),
        (
            s.distinct(0, 9),
            [[0, 9]],
            [[], [1, 1], [10]],
            "a list of distinct integers from 0 to 9",
        ),
        (s.optional(s.at_least(1)), [None, 1], [0], "null or an integer >= 1"),
        (s.Rule(str.isupper, "capitals"), ["A"], ["a"], "capitals"),
    ],
)
def test_a_rule_describes_allowed_values(rule, good, bad, allowed):
    assert [rule.fault(value) for value in good] == [None] * len(good)
    assert [rule.fault(value) for value in bad] == [allowed] * len(bad)


def test_the_error_names_the_full_field():
    s.check_fields(Group(), "group")
    with pytest.raises(s.UserError, match=r"^group\.share=1: expected a number >= 0 and < 1$"):
        s.check_fields(Group(share=1), "group")
    with pytest.raises(s.UserError, match=r"^group\.parts\[1\]\.width=0: expected a number"):
        s.check_fields(Group(parts=[Part(), Part(width=0)]), "group")
    with pytest.raises(s.UserError, match=r"^nested\.width=10"):
        s.check_fields(Group(nested=Part(width=10)), "")


def test_defaults_are_not_shared():
    first = Group()
    first.parts.append(Part())
    assert Group().parts == []


def test_a_long_value_is_shortened():
    assert len(str(s.wrong("agent.gamma", "9" * 5000, "a number"))) < 200
