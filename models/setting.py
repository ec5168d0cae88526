"""Declaration of settings: default, rule and description in one place.

    @dataclass
    class DQN:
        '''The learning algorithm.'''

        name: str = option("dqn")
        gamma: float = setting(0.99, between(0, 1), "discount per step")
        hidden: list[int] = setting([512], integers(1, 65536), "units of each dense layer")

The type is the annotation's. Whoever reads settings (``runner.settings``) converts to it what was
typed and calls ``check_fields``; the settings reference is written from the same fields. Nothing
heavy is imported in here, so that mistakes are found before Keras is loaded.
"""

from __future__ import annotations

import copy
import dataclasses
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

REQUIRED: Final = "???"  # the default of a setting that has none
LONGEST: Final = 300  # characters of an error's line
MOST: Final = 10**12  # of any count: what is larger is a slip of the hand


class UserError(ValueError):
    """Something the user gave cannot be used. One line: field, value, what is allowed."""

    exit_code = 2

    def __init__(self, message: str) -> None:
        super().__init__(short(message, LONGEST))


def short(text: str, longest: int = 100) -> str:
    """``text`` in one line, cut if it is long."""
    line = "".join(c if c.isprintable() else " " for c in text[: 4 * longest])
    line = " ".join(line.split())
    return line if len(line) <= longest else f"{line[: longest - 3]}..."


def wrong(field: str, value: object, allowed: str, hint: str = "") -> UserError:
    """Returns the error for ``field=value`` where only ``allowed`` is.

    Args:
        field: Dotted name of the setting.
        value: As it was typed.
        allowed: What was expected.
        hint: Said before it, such as ``did you mean pong? ``.
    """
    try:
        shown = "null" if value is None else str(value)
    except ValueError:  # of more digits than Python shows
        shown = "(a very long number)"
    if isinstance(value, bool):
        shown = shown.lower()
    return UserError(f"{short(field)}={short(shown)}: {hint}expected {allowed}")


@dataclass(frozen=True)
class Rule:
    """What one setting may be.

    Args:
        holds: Whether a value of the setting's type is allowed.
        allowed: What is, in words: ``an integer >= 1 steps``.
        most: The largest value, said only where a value is larger; None: any.
    """

    holds: Callable[[Any], bool]
    allowed: str
    most: float | None = None

    def fault(self, value: Any) -> str | None:
        """What is allowed instead of ``value``; None: it is allowed."""
        if not self.holds(value):
            return self.allowed
        if self.most is not None and value > self.most:
            return f"at most {self.most:,}"
        return None


def rule(holds: Callable[[Any], bool], allowed: str) -> Rule:
    """Whatever ``holds`` says, in the words of ``allowed``."""
    return Rule(holds, allowed)


def _number(bound: float) -> str:
    return "a number" if isinstance(bound, float) else "an integer"


def between(low: float, high: float) -> Rule:
    """A number from ``low`` to ``high``."""
    return Rule(lambda v: low <= v <= high, f"a number from {low} to {high}")


def at_least(low: float, unit: str = "", most: float = MOST) -> Rule:
    """A finite number not below ``low``: a float if ``low`` is one, else a count of ``unit``."""
    limit = None if isinstance(low, float) else most
    text = f"{_number(low)} >= {low:g}{' ' * bool(unit)}{unit}"
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
    """A number from 0 to 1, 1 not included."""
    return Rule(lambda v: 0 <= v < 1, "a number >= 0 and < 1")


def one_of(*names: str) -> Rule:
    """One of ``names``."""
    return Rule(lambda v: v in names, f"one of {', '.join(names)}")


def integers(low: int, high: int) -> Rule:
    """A list of integers from ``low`` to ``high``."""
    text = f"a list of integers from {low} to {high}"
    return Rule(lambda v: all(low <= n <= high for n in v), text)


def distinct(low: int, high: int) -> Rule:
    """A list of different integers from ``low`` to ``high``, not empty."""
    text = f"a list of different integers from {low} to {high}"
    return Rule(
        lambda v: all(low <= n <= high for n in v) and 0 < len(v) == len(set(v)),
        text,
    )


def optional(inner: Rule) -> Rule:
    """``null``, or what ``inner`` says."""
    return Rule(lambda v: v is None or inner.fault(v) is None, f"null or {inner.allowed}")


ANY: Final = Rule(lambda v: True, "")  # of its type: the annotation says all


def setting(
    default: Any,
    rule: Rule,
    sentence: str,
    *,
    options: Callable[[], Mapping[str, type]] | None = None,
) -> Any:
    """A field of a dataclass.

    Args:
        default: ``REQUIRED`` where there is none. Lists and dicts are copied.
        rule: What it may be, beyond its type.
        sentence: For the settings reference: what it is, unit, source.
        options: The field is one (or a list) of several dataclasses; their names, and the classes.
    """
    metadata = {"rule": rule, "sentence": sentence, "options": options}
    if isinstance(default, list | dict):
        return dataclasses.field(default_factory=lambda: copy.deepcopy(default), metadata=metadata)
    return dataclasses.field(default=default, metadata=metadata)


def option(name: str) -> Any:
    """The field ``name`` (of a group) or ``kind`` (in a list) that tells options apart."""
    metadata = {"rule": one_of(name), "sentence": "which option this is", "is_option": True}
    return dataclasses.field(default=name, metadata=metadata)


def check_fields(instance: Any, key: str) -> None:
    """Checks every field of a dataclass, and those of dataclasses in it, by their own rules.

    Args:
        instance: The dataclass.
        key: Its dotted name: ``agent``, ``model.inputs[2]``.

    Raises:
        UserError: The first field that breaks its rule, in one line.
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
