"""The two ways a command ends badly, and their exit codes."""

from __future__ import annotations

from models.setting import UserError, wrong

__all__ = ["RunError", "UserError", "wrong"]


class RunError(RuntimeError):
    """A run cannot go on (an emulator died, the disk is full, the loss is NaN). One line."""

    exit_code = 1
