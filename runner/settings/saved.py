"""Reads and writes a run's ``config.yaml``: plain, fully resolved values.

A saved configuration may come from an untrusted source. It is plain YAML of limited size without
anchors, aliases or interpolations, and reading it runs no code.
"""

from __future__ import annotations

import dataclasses
import os
import sys
from pathlib import Path
from typing import Any, Final

import yaml

from runner.errors import UserError, reason, wrong
from runner.settings import compose
from runner.settings.convert import defaults, flat
from runner.settings.schema import Config

MOST_BYTES: Final = 1_000_000
MOST_CHARACTERS: Final = 10_000  # of a single value


class _PlainLoader(yaml.SafeLoader):  # type: ignore[misc]
    """YAML without anchors and aliases, so that content cannot expand beyond the file's size."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        event = self.peek_event()
        if getattr(event, "anchor", None) is not None:
            raise ValueError(f"an anchor or alias in line {event.start_mark.line + 1}")
        if len(getattr(event, "value", "")) > MOST_CHARACTERS:
            raise ValueError(f"a value of more than {MOST_CHARACTERS:,} characters")
        return super().compose_node(parent, index)


def as_yaml(config: Config) -> bytes:
    """The content of ``config.yaml``."""
    text: str = yaml.safe_dump(dataclasses.asdict(config), sort_keys=False, allow_unicode=True)
    return text.encode()


def read(path: Path) -> Config:
    """Reads a file of ``as_yaml``'s content, and checks that its values are valid and compatible.

    Checks that depend on the machine (memory, disk, packages, initial weights) are skipped: playing
    needs none of them.

    Raises:
        UserError: The file does not exist or has another format, or a value is invalid.
    """
    content = _content(path)
    try:
        return compose.typed(content)
    except UserError as error:
        raise UserError(f"run={path.parent}: its {path.name} has {error}") from error
    except Exception as error:  # types, sizes, nesting: any error is an error of the file
        raise _unreadable(path, error) from error


def read_plain(path: Path) -> dict[str, Any]:
    """Reads a run's settings unchecked, including those of an older or newer version.

    Returns:
        Settings by dotted name, such as ``agent.gamma``; defaults for those missing in an older
        version.

    Raises:
        UserError: The file cannot be read.
    """
    content = _content(path)
    try:
        return flat(defaults(Config, content)) | flat(content)
    except (RecursionError, UserError) as error:
        raise _unreadable(path, error) from error


def allow_builder(config: Config, folder: Path, named: str | None) -> None:
    """Allows a run's custom network to be imported only if the user also names it.

    The network is code, and the run may be untrusted. It is imported from the installed packages,
    ``PYTHONPATH`` and the project's folder, not from the working directory.

    Args:
        config: The run's settings.
        folder: The run's folder.
        named: ``model.builder`` as typed; None: not typed.

    Raises:
        UserError: ``named`` is missing, or differs from the run's.
    """
    builder = getattr(config.model, "builder", None)
    if named != builder and named is not None:
        raise wrong("model.builder", named, f"{builder or 'null'}, as in the run")
    if named != builder:
        raise UserError(
            f"run={folder}: its network is code, {builder}: read it; if you trust it, add "
            f"model.builder={builder}"
        )
    if builder is not None:
        project, here = Path(__file__).resolve().parents[2], Path.cwd()
        named_paths = os.environ.get("PYTHONPATH", "").split(os.pathsep)
        kept = {project, *(Path(path).resolve() for path in named_paths if path)}
        sys.path[:] = [p for p in sys.path if Path(p).resolve() != here or here in kept]


def _content(path: Path) -> dict[Any, Any]:
    """The file's content as plain values."""
    if not path.is_file():
        raise UserError(f"run={path.parent}: expected a run directory (no {path.name})")
    try:
        with path.open("rb") as file:
            text = file.read(MOST_BYTES + 1)
        if len(text) > MOST_BYTES:
            raise ValueError(f"more than {MOST_BYTES:,} bytes")
        content = yaml.load(text, _PlainLoader)
    except Exception as error:  # YAML, Unicode, nesting: any error is an error of the file
        raise _unreadable(path, error) from error
    if not isinstance(content, dict):
        raise _unreadable(path, TypeError("no settings in it"))
    return content


def _unreadable(path: Path, error: Exception) -> UserError:
    return UserError(f"run={path.parent}: its {path.name} cannot be read: {reason(error, 120)}")
