"""Declaration of settings: default, rule and description in one place.

    @dataclass
    class DQN:
        '''The learning algorithm.'''

        name: str = option("dqn")
        gamma: float = setting(0.99, between(0, 1), "discount per step")
        hidden: list[int] = setting([512], integers(1, 65536), "units of each dense layer")

The annotation gives the type. ``runner.settings`` converts the user's values to it and calls
``check_fields``; the settings reference is generated from the same fields. This module has no heavy
imports, so that mistakes are found before Keras is loaded.
"""

from __future__ import annotations

import copy
import dataclasses
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

REQUIRED: Final = "???"  # placeholder for a setting without a default
LONGEST: Final = 300  # characters of an error message
MOST: Final = 10**12  # upper bound of any count: a larger one is a typing mistake


class UserError(ValueError):
    """Invalid user input. One line: field, value, allowed values."""

    exit_code = 2

    def __init__(self, message: str) -> None:
        super().__init__(short(message, LONGEST))


def short(text: str, longest: int = 100) -> str:
    """``text`` on one line, truncated if it is long."""
    line = "".join(c if c.isprintable() else " " for c in text[: 4 * longest])
    line = " ".join(line.split())
    return line if len(line) <= longest else f"{line[: longest - 3]}..."


def wrong(field: str, value: object, allowed: str, hint: str = "") -> UserError:
    """Returns the error for an invalid ``field=value``.

    Args:
        field: Dotted name of the setting.
        value: The value as typed.
        allowed: Description of the expected values.
        hint: Inserted before ``allowed``, such as ``did you mean pong? ``.
    """
    return UserError(f"{short(field)}={shown(value)}: {hint}expected {allowed}")


def shown(value: object) -> str:
    """``value`` as typed, truncated if it is long."""
    try:
        text = "null" if value is None else str(value)
    except ValueError:  # more digits than Python converts
        text = "(a very long number)"
    return short(text.lower() if isinstance(value, bool) else text)


@dataclass(frozen=True)
class Rule:
    """The allowed values of one setting.

    Args:
        holds: Whether a value of the setting's type is allowed.
        allowed: Description of the allowed values: ``an integer >= 1 (steps)``.
        most: The largest value, reported only if it is exceeded; None: no limit.
    """

    holds: Callable[[Any], bool]
    allowed: str
    most: float | None = None

    def fault(self, value: Any) -> str | None:
        """Description of the allowed values if ``value`` is not allowed, else None."""
        if not self.holds(value):
            return self.allowed
        if self.most is not None and value > self.most:
            return f"at most {self.most:,}"
        return None


def between(low: float, high: float) -> Rule:
    """A number from ``low`` to ``high``."""
    return Rule(lambda v: low <= v <= high, f"a number from {low} to {high}")


def at_least(low: float, unit: str = "", most: float = MOST) -> Rule:
    """A finite number >= ``low``: a float if ``low`` is one, else a count of ``unit``."""
    kind, limit = ("a number", None) if isinstance(low, float) else ("an integer", most)
    text = f"{kind} >= {low:g}{f' ({unit})' if unit else ''}"
    return Rule(lambda v: low <= v < math.inf, text, limit)


def above(low: float) -> Rule:
    """A number above ``low``, infinity included."""
    return Rule(lambda v: v > low, f"a number > {low:g}")


def finite_above(low: float) -> Rule:
    """A finite number above ``low``."""
    return Rule(lambda v: low < v < math.inf, f"a finite number > {low:g}")


def finite() -> Rule:
    """A finite number."""
    return Rule(math.isfinite, "a finite number")


def share() -> Rule:
    """A number from 0 to 1, excluding 1."""
    return Rule(lambda v: 0 <= v < 1, "a number >= 0 and < 1")


def one_of(*names: str) -> Rule:
    """One of ``names``."""
    return Rule(lambda v: v in names, f"{'one of ' * (len(names) > 1)}{', '.join(names)}")


def integers(low: int, high: int) -> Rule:
    """A list of integers from ``low`` to ``high``."""
    text = f"a list of integers from {low} to {high}"
    return Rule(lambda v: all(low <= n <= high for n in v), text)


def distinct(low: int, high: int) -> Rule:
    """A non-empty list of distinct integers from ``low`` to ``high``."""
    text = f"a list of distinct integers from {low} to {high}"
    return Rule(lambda v: all(low <= n <= high for n in v) and 0 < len(v) == len(set(v)), text)


def optional(inner: Rule) -> Rule:
    """``null``, or a value allowed by ``inner``."""
    return Rule(lambda v: v is None or inner.fault(v) is None, f"null or {inner.allowed}")


ANY: Final = Rule(lambda v: True, "")  # any value of the annotated type
ON: Final = Rule(bool, "true")


def setting(
    default: Any,
    rule: Rule,
    sentence: str,
    *,
    needs: Mapping[str, Rule] | None = None,
    options: Callable[[], Mapping[str, type]] | None = None,
) -> Any:
    """A field of a dataclass.

    Args:
        default: ``REQUIRED`` if there is none. Lists and dicts are copied.
        rule: Allowed values within the type.
        sentence: For the settings reference: meaning, unit, source.
        needs: What other fields of the dataclass have to be; otherwise this one has no effect, and
            typing it is a mistake.
        options: Dataclasses by name, if the field is one (or a list) of several dataclasses.
    """
    metadata = {"rule": rule, "sentence": sentence, "needs": needs or {}, "options": options}
    if isinstance(default, list | dict):
        return dataclasses.field(default_factory=lambda: copy.deepcopy(default), metadata=metadata)
    return dataclasses.field(default=default, metadata=metadata)


def option(name: str) -> Any:
    """The field ``name`` (of a group) or ``kind`` (in a list) that identifies the option."""
    metadata = {"rule": one_of(name), "sentence": "which option this is", "is_option": True}
    return dataclasses.field(default=name, metadata=metadata)


def check_fields(instance: Any, key: str) -> None:
    """Checks every field of a dataclass and of nested dataclasses against its rule.

    Args:
        instance: The dataclass.
        key: Its dotted name: ``agent``, ``model.inputs[2]``.

    Raises:
        UserError: A field breaks its rule; reports the first, in one line.
    """
    for field in dataclasses.fields(instance):
        name = f"{key}.{field.name}" if key else field.name
        value = getattr(instance, field.name)
        if "rule" in field.metadata and (allowed := field.metadata["rule"].fault(value)):
            raise wrong(name, value, allowed)
        if dataclasses.is_dataclass(value):
            check_fields(value, name)
        elif isinstance(value, list):
            for k, entry in enumerate(value):
                if dataclasses.is_dataclass(entry):
                    check_fields(entry, f"{name}[{k}]")
