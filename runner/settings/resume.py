"""Settings that may change when a run is resumed; changes of others are rejected."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from hydra.core.override_parser.types import Override

from runner.errors import UserError
from runner.files import typed_path
from runner.settings import command_line, compose
from runner.settings.convert import flat
from runner.settings.memory_checks import check_memory_size
from runner.settings.schema import Config

# These do not affect learning: duration, display, evaluation, saved files.
MAY_CHANGE: Final = (
    "train.steps", "train.episodes", "train.minutes",
    "logger.", "eval.", "video.", "checkpoint.",
)  # fmt: skip


def run_to_resume(arguments: Sequence[str]) -> tuple[Path, list[Override]]:
    """Splits ``resume=DIR`` from the other settings.

    Returns:
        The run's folder (``last``: the newest below ``runs``), and the other settings.

    Raises:
        UserError: There is no such run, or an argument is not a setting.
    """
    flags = [argument for argument in arguments if argument.startswith("-")]
    if flags:
        raise UserError(f"{flags[0]}: expected no flags with resume=")
    overrides = command_line.parse(arguments)
    named = [str(o.value()) for o in overrides if o.get_key_element() == "resume"]
    others = [o for o in overrides if o.get_key_element() != "resume"]
    if not named:
        raise UserError("resume: missing; expected resume=DIR or resume=last")
    folder = named_run("resume", named[-1])
    if not (folder / "config.yaml").is_file():
        raise UserError(f"resume={folder}: expected a run directory (no config.yaml in it)")
    return folder, others


def named_run(setting: str, typed: str) -> Path:
    """The given folder; ``last``: the newest run below ``runs``.

    Raises:
        UserError: There is no run below ``runs``.
    """
    if typed != "last":
        return typed_path(typed)
    # Weights & Biases writes a config.yaml of its own, below the run's folder.
    found = [c for c in Path("runs").glob("**/config.yaml") if c.with_name("weights").is_dir()]
    runs = sorted(found, key=lambda path: path.stat().st_mtime)
    if not runs:
        raise UserError(f"{setting}=last: expected a run below runs/ (there is none)")
    return runs[-1].parent


def changed(config: Config, overrides: Sequence[Override]) -> Config:
    """Returns ``config`` with ``overrides`` applied.

    Raises:
        UserError: Settings that may not change do; the message lists all of them.
    """
    plain = dataclasses.asdict(config)
    for override in overrides:
        command_line.check_name(override)
        compose.put(plain, override.get_key_element(), override.value())
    result = compose.typed(plain, command_line.names_of(overrides))
    refused = [line for key, line in differences(config, result) if not key.startswith(MAY_CHANGE)]
    if refused:
        raise UserError(
            f"resume: {'; '.join(refused)}: expected only changes of "
            f"{', '.join(name.rstrip('.') for name in MAY_CHANGE)}"
        )
    check_memory_size(result)
    return result


def differences(before: Config, after: Config) -> list[tuple[str, str]]:
    """Returns the settings that differ: name, and ``name: before -> after``."""
    ours, theirs = (flat(dataclasses.asdict(config)) for config in (before, after))
    names = dict.fromkeys([*ours, *theirs])
    return [
        (name, f"{name}: {ours.get(name)} -> {theirs.get(name)}")
        for name in names
        if ours.get(name) != theirs.get(name)
    ]
