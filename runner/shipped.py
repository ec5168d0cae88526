"""Locates data files that ship with the project, in a checkout or an installed package."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def shipped(name: str) -> Path:
    """The folder ``conf`` or ``pretrained`` of this project."""
    inside = _PACKAGE / name
    return inside if inside.is_dir() else _PACKAGE.parent / name
