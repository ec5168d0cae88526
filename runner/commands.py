"""Shared by all commands: ``name=value`` arguments, one-line errors, exit codes."""

from __future__ import annotations

import faulthandler
import functools
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from models.setting import short
from runner.errors import RunError, UserError, reason, wrong
from runner.interrupts import ended_by_signals
from runner.settings.convert import KINDS, nearest

HELP: Final = ("-h", "--help")
ENDED_BY_PIPE: Final = 128 + 13  # exit code, as of programs that SIGPIPE ends


class HelpAsked(Exception):  # noqa: N818 (not an error)
    """``--help`` was typed; carries the text to print."""


def guarded(main: Callable[[list[str]], int]) -> Callable[[list[str]], int]:
    """Decorates a command, which returns its exit code: prints errors as one line."""

    @functools.wraps(main)
    def command(arguments: list[str]) -> int:
        if sys.__stderr__ is not None and not faulthandler.is_enabled():
            faulthandler.enable(sys.__stderr__)  # says where native code crashed
        try:
            with ended_by_signals():
                try:
                    code = main(arguments)
                except HelpAsked as asked:
                    print(asked)
                    code = 0
                sys.stdout.flush()
                return code
        except (UserError, RunError) as error:
            print(f"error: {error}", file=sys.stderr)
            return error.exit_code
        except OSError as error:  # a full disk, a file where a folder should be
            if isinstance(error, BrokenPipeError) and _reader_left():
                return ENDED_BY_PIPE
            print(f"error: {reason(error)}", file=sys.stderr)
            return RunError.exit_code
        except KeyboardInterrupt as interrupt:
            print("\ninterrupted", file=sys.stderr)
            return int(interrupt.args[0]) if interrupt.args else 130

    return command


def _reader_left() -> bool:
    """Whether nobody reads standard output any more (``| head``); then the rest is discarded."""
    try:
        print(flush=True)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return True
    return False


def parse_settings(
    arguments: Sequence[str], kinds: Mapping[str, Callable[[str], Any]], usage: str
) -> dict[str, Any]:
    """Reads ``name=value`` arguments.

    Args:
        arguments: As typed.
        kinds: Types by name.
        usage: Shown in errors.

    Raises:
        UserError: Unknown name, or a value of another type.
        HelpAsked: ``--help`` is given.
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
            raise wrong(name, text, KINDS[kinds[name]]) from error
    return given
