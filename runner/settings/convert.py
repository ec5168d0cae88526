"""Converts plain values from Hydra or YAML to the settings' dataclasses.

A field whose type is a union of dataclasses has several options, selected by the value of their
``option`` field. The error for an unknown key suggests the nearest valid name; the error for a
value of another type is the description of the field's rule.
"""

from __future__ import annotations

import dataclasses
import difflib
import functools
import math
import re
import types
import typing
from collections.abc import Collection, Iterable, Mapping
from typing import Any, Final, Union

from models.setting import REQUIRED
from runner.errors import UserError, wrong

_NOT_FINITE: Final = re.compile(r"[+-]?\.?(inf|nan)", re.ASCII | re.IGNORECASE)
KINDS: Final[dict[Any, str]] = {
    bool: "true or false", int: "an integer", float: "a number", str: "text",
}  # fmt: skip


class _MismatchError(Exception):
    """A value does not have the expected type."""


def nearest(name: str, choices: Iterable[Any]) -> str:
    """Returns ``did you mean X? `` if one of ``choices`` is close to ``name``, else nothing."""
    near = difflib.get_close_matches(name[:100], list(choices), n=1, cutoff=0.6)
    return f"did you mean {near[0]}? " if near else ""


@functools.cache
def hints_of(cls: type) -> dict[str, Any]:
    """The types of a dataclass's fields."""
    return typing.get_type_hints(cls)


@functools.cache
def fields_of(cls: type) -> dict[str, dataclasses.Field[Any]]:
    """The fields of a dataclass by name."""
    return {field.name: field for field in dataclasses.fields(cls)}


def members(hint: Any) -> tuple[Any, ...]:
    """The member types of a union, or ``hint`` itself."""
    is_union = typing.get_origin(hint) in (Union, types.UnionType)
    return typing.get_args(hint) if is_union else (hint,)


def options_of(cls: type, name: str) -> list[type]:
    """The possible dataclasses of field ``name`` of ``cls``, or of its entries; often none."""
    offered = fields_of(cls)[name].metadata.get("options")
    if offered is not None:
        return list(offered().values())
    hint = hints_of(cls)[name]
    if typing.get_origin(hint) is list:
        (hint,) = typing.get_args(hint)
    return [k for k in members(hint) if isinstance(k, type) and dataclasses.is_dataclass(k)]


def told_apart_by(options: list[type]) -> str | None:
    """The name of the field that identifies an option; None: there is only one option."""
    names = (f.name for f in dataclasses.fields(options[0]) if f.metadata.get("is_option"))
    return next(names, None)


def pick(options: list[type], values: Mapping[str, Any], key: str) -> type:
    """The option that ``values`` select.

    Raises:
        UserError: There is no such option.
    """
    by = told_apart_by(options)
    if by is None:
        return options[0]
    names = {str(fields_of(option)[by].default): option for option in options}
    chosen = values.get(by, None if by == "kind" else next(iter(names)))
    if not isinstance(chosen, str) or chosen not in names:
        hint = nearest(str(chosen), names)
        raise wrong(f"{key}.{by}", chosen, f"one of {', '.join(names)}", hint)
    return names[chosen]


def build(
    cls: type, values: Mapping[str, Any], key: str = "", typed: Collection[str] | None = None
) -> Any:
    """Builds a dataclass.

    Args:
        cls: The class.
        values: Field values; missing fields have their defaults.
        key: The dotted name of the dataclass, such as ``agent``; empty for the whole configuration.
        typed: Names of the typed settings. A preset's value for another option of the group is
            ignored; a typed one is rejected. None: all are typed.

    Raises:
        UserError: The first value of the wrong type, in one line.
    """
    made = {}
    for name, value in values.items():
        full = f"{key}.{name}" if key else str(name)
        if name not in fields_of(cls):
            raise no_such_setting(full, str(name), key, fields_of(cls))
        field = fields_of(cls)[name]
        if isinstance(value, str) and value == REQUIRED:
            raise UserError(f"{full}: missing")
        try:
            if options := options_of(cls, name):
                made[name] = _build_options(options, value, full, hints_of(cls)[name], typed)
            else:
                made[name] = convert(value, hints_of(cls)[name])
        except (_MismatchError, OverflowError) as error:  # more digits than a float has
            rule = field.metadata.get("rule")
            raise wrong(full, value, (rule and rule.allowed) or str(error)) from error
    for name, field in fields_of(cls).items():
        if name not in made and field.default == REQUIRED:
            raise UserError(f"{key}.{name}: missing")
    return cls(**made)


def _build_options(
    options: list[type], value: Any, key: str, hint: Any, typed: Collection[str] | None
) -> Any:
    if typing.get_origin(hint) is list:
        if not isinstance(value, list):
            raise _MismatchError("a list")
        entries = typing.get_args(hint)
        return [
            _build_options(options, entry, f"{key}[{k}]", entries[0], typed)
            for k, entry in enumerate(value)
        ]
    if isinstance(value, tuple(options)):  # a default
        return value
    if isinstance(value, str) and told_apart_by(options) == "kind":
        value = {"kind": value}
    if not isinstance(value, dict):
        raise _MismatchError(f"settings such as {', '.join(fields_of(options[0]))}")
    cls = pick(options, value, key)
    foreign = {
        name: other
        for name in value
        if name not in fields_of(cls)
        for other in reversed(options)  # the first option with this field
        if name in fields_of(other)
    }
    by = told_apart_by(options)
    for name, other in foreign.items():
        if typed is not None and f"{key}.{name}" not in typed:
            continue
        own, others = (f"{key}.{by}={fields_of(c)[by].default}" for c in (cls, other))  # type: ignore[index]
        raise wrong(f"{key}.{name}", value[name], f"{others} with it ({own} has no such setting)")
    own_values = {name: entry for name, entry in value.items() if name not in foreign}
    return build(cls, own_values, key, typed)


def no_such_setting(full: str, name: str, place: str, choices: Collection[str]) -> UserError:
    """The error for the unknown setting ``full``, ``name`` in ``place``; "": in no group."""
    hint = nearest(name, choices)
    if place:
        hint = hint.replace("mean ", f"mean {place}.")
    where = place or "the config"
    return UserError(f"{full}: no such setting; {hint}{where} has {', '.join(choices)}")


def convert(value: Any, hint: Any) -> Any:
    """Converts ``value`` to the type ``hint``; accepts natural spellings of numbers.

    Raises:
        _MismatchError: The value has another type.
    """
    if hint is Any:
        return value
    kinds = members(hint)
    if len(kinds) > 1:
        for kind in kinds:
            try:
                return convert(value, kind)
            except _MismatchError:
                continue
        raise _MismatchError(" or ".join(KINDS.get(kind, "null") for kind in kinds))
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is list and isinstance(value, list):
        return [convert(entry, arguments[0]) for entry in value]
    if origin is dict and isinstance(value, dict):
        return {str(name): convert(entry, arguments[1]) for name, entry in value.items()}
    if hint is types.NoneType and value is None:
        return None
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if hint is float and isinstance(value, str) and _NOT_FINITE.fullmatch(value):
        return float(value.replace(".", ""))
    if hint is float and is_number:
        return float(value)
    if hint is int and is_number and math.isfinite(value) and value == int(value):
        return int(value)
    if hint is str and is_number:
        return str(value)
    if hint in (bool, str) and isinstance(value, hint):
        return value
    raise _MismatchError(KINDS.get(hint, "a list" if origin is list else "names and values"))


def defaults(cls: type, values: Mapping[str, Any]) -> dict[str, Any]:
    """Plain defaults of a dataclass and its groups, for interpolations to refer to.

    Args:
        cls: The class.
        values: Composed values, which select the option of each group.
    """
    found: dict[str, Any] = {}
    for name, field in fields_of(cls).items():
        options = options_of(cls, name)
        if options and typing.get_origin(hints_of(cls)[name]) is not list:
            own = values.get(name)
            own = own if isinstance(own, Mapping) else {}
            found[name] = defaults(pick(options, own, name), own)
        elif field.default_factory is not dataclasses.MISSING:
            found[name] = field.default_factory()
        elif field.default != REQUIRED:
            found[name] = field.default
    return found


def flat(settings: Mapping[Any, Any], prefix: str = "") -> dict[str, Any]:
    """Settings by dotted name: ``{"agent": {"gamma": 1}}`` -> ``{"agent.gamma": 1}``."""
    found: dict[str, Any] = {}
    for name, value in settings.items():
        if isinstance(value, dict) and value:
            found |= flat(value, f"{prefix}{name}.")
        else:
            found[f"{prefix}{name}"] = value
    return found
