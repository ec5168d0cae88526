"""The command line of ``python -m runner``: flags and ``--help``."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from models.setting import short
from runner.errors import UserError, wrong
from runner.settings.command_line import option_names
from runner.settings.convert import nearest

_HELP: Final = """\
Trains a DQN agent on an Atari game, evaluates it, and writes a run directory below runs/.

  python -m runner env=pong                        train one agent; any setting: name=value
  python -m runner -m env=pong obs=pixel,ram       a sweep: every combination
  python -m runner resume=last train.steps=900000  resume the newest run
  python -m runner.evaluate run=last episodes=30   play games with a trained network
  python -m runner.compare runs/sweeps             compare runs: one page of charts and tables
Also: python -m runner.watch run=last (a video), runner.explain (explains the agent's inputs),
runner.lab (live play in the browser), runner.atlas (the meaning of the RAM's bytes),
runner.doctor (checks this machine)

{groups}

Flags: --cfg=job prints the resolved settings without running (--cfg=hydra: Hydra's;
--package=agent: one group); -m, --multirun: a sweep; -h, --help.

Every setting with its default and range: docs/configuration.md
"""

# The purpose of each group; their options are the files below conf/.
_GROUPS: Final = {
    "env": "game",
    "obs": "observation",
    "model": "network",
    "agent": "learning algorithm",
    "memory": "replay memory",
    "policy": "behaviour policy",
    "train": "length of training (smoke: seconds)",
    "experiment": "a published tutorial, or a sweep, with all its settings",
    "logger": "curves",
    "video": "videos of games",
}
CFG: Final = ("job", "hydra", "all")
_SHORT: Final = {
    "-h": "--help", "-c": "--cfg", "-p": "--package", "-m": "--multirun", "-r": "--run",
}  # fmt: skip
_VALUES: Final = ("--cfg", "--package")
_SWITCHES: Final = ("--help", "--multirun", "--run", "--resolve")
COMMANDS: Final = (
    "atlas", "cards", "compare", "doctor", "evaluate", "explain", "lab", "places", "watch",
)  # fmt: skip


def help_text() -> str:
    """The output of ``--help``."""
    lines = ["Groups: an option sets several settings, group=option."]
    for group, purpose in _GROUPS.items():
        options = "pong, breakout, ... (python -m runner.doctor --games lists them)"
        if group != "env":
            options = ", ".join(option_names(group))
        line = f"  {group:12}{purpose}: {options}"
        lines.append(textwrap.fill(line, 100, subsequent_indent=" " * 14))
    return _HELP.format(groups="\n".join(lines)).rstrip()


@dataclass(frozen=True)
class Flags:
    """A parsed command line."""

    settings: list[str]
    help: bool = False
    multirun: bool = False
    cfg: str | None = None
    package: str | None = None


def parse_flags(arguments: Sequence[str]) -> Flags:
    """Parses a command line, with flags and settings in any order.

    Raises:
        UserError: A flag or its value is unknown.
    """
    settings: list[str] = []
    given: dict[str, str] = {}
    waiting = iter(arguments)
    for argument in waiting:
        if not argument.startswith("-"):
            settings.append(argument)
            continue
        name, equals, value = argument.partition("=")
        name = _SHORT.get(name, name)
        known = (*_SWITCHES, *_VALUES)
        if name not in known:
            hint = nearest(name, known)
            raise UserError(f"{short(argument)}: no such flag; {hint}there are {', '.join(known)}")
        if name in _SWITCHES and equals:
            raise wrong(name, value, "no value")
        if name in _VALUES and not equals:
            value = next(waiting, "")
        given[name] = value
    cfg = given.get("--cfg")
    if cfg is not None and cfg not in CFG:
        raise wrong("--cfg", cfg, f"one of {', '.join(CFG)}", nearest(cfg, CFG))
    if cfg is None and "--package" in given:
        raise UserError("--package: expected --cfg with it")
    if cfg is not None and "--multirun" in given:
        raise UserError("--multirun: expected no --cfg, which prints the settings of one run")
    for command in COMMANDS:
        if command in settings:
            raise UserError(f"{command}: expected python -m runner.{command} (with a dot)")
    return Flags(settings, "--help" in given, "--multirun" in given, cfg, given.get("--package"))
