"""User errors and run errors, and their exit codes."""

from __future__ import annotations

from models.setting import LONGEST, UserError, short, wrong

__all__ = ["RunError", "UserError", "reason", "wrong"]


class RunError(RuntimeError):
    """A run cannot continue (an emulator died, the disk is full, the loss is NaN). One line."""

    exit_code = 1


def reason(error: BaseException, longest: int = LONGEST) -> str:
    """The error's message on one line; its type if it has none."""
    return short(str(error), longest) or type(error).__name__
