"""User errors and run errors, and their exit codes."""

from __future__ import annotations

from models.setting import UserError, wrong

__all__ = ["RunError", "UserError", "wrong"]


class RunError(RuntimeError):
    """A run cannot continue (an emulator died, the disk is full, the loss is NaN). One line."""

    exit_code = 1
