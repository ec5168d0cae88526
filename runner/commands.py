"""Shared by all commands: ``name=value`` arguments, one-line errors, exit codes."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from models.setting import short
from runner.errors import RunError, UserError, wrong
from runner.interrupts import ended_by_signals
from runner.settings.convert import nearest

HELP: Final = ("-h", "--help")
_KINDS: Mapping[Any, str] = {int: "an integer", float: "a number", str: "text"}


class HelpAsked(Exception):  # noqa: N818 (nothing is wrong)
    """``--help`` was typed; carries what to print."""


def guarded(work: Callable[[], int]) -> int:
    """Returns the exit code of ``work``; what went wrong is one line on standard error."""
    try:
        with ended_by_signals():
            return work()
    except HelpAsked as asked:
        print(asked)
        return 0
    except (UserError, RunError) as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    except OSError as error:  # a full disk, a file where a folder should be
        print(f"error: {' '.join(str(error).split())}", file=sys.stderr)
        return RunError.exit_code
    except KeyboardInterrupt as interrupt:
        print("\ninterrupted", file=sys.stderr)
        return int(interrupt.args[0]) if interrupt.args else 130


def parse_settings(
    arguments: Sequence[str], kinds: Mapping[str, Callable[[str], Any]], usage: str
) -> dict[str, Any]:
    """Reads ``name=value`` arguments.

    Args:
        arguments: As typed.
        kinds: The names there are, and the type of each.
        usage: Shown where something is wrong.

    Raises:
        UserError: No such name, or a value of another type.
        HelpAsked: ``--help`` is among them.
    """
    if set(arguments) & set(HELP):
        raise HelpAsked(f"usage: {usage}")
    given = {}
    for argument in arguments:
        name, equals, text = argument.partition("=")
        if not equals or name not in kinds:
            hint = nearest(name, kinds)
            raise UserError(f"{short(argument)}: no such setting; {hint}expected {usage}")
        try:
            given[name] = kinds[name](text)
        except ValueError as error:
            raise wrong(name, text, _KINDS[kinds[name]]) from error
    return given
