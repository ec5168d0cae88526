"""The two ways a command ends badly, and their exit codes."""

from __future__ import annotations


class UserError(ValueError):
    """Something the user gave cannot be used. One line: field, value, what is allowed."""

    exit_code = 2


class RunError(RuntimeError):
    """A run cannot go on (an emulator died, the disk is full, the loss is NaN). One line."""

    exit_code = 1


def wrong(field: str, value: object, allowed: str) -> UserError:
    """Returns the error for ``field=value`` where only ``allowed`` is."""
    shown = "null" if value is None else value
    return UserError(f"{field}={shown}: expected {allowed}")
