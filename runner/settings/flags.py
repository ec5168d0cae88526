"""The command line of ``python -m runner``: flags and ``--help``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from models.setting import short
from runner.errors import UserError, wrong
from runner.settings.convert import nearest

HELP: Final = """\
Trains a DQN agent on an Atari game, evaluates it, and writes a run directory below runs/.

  python -m runner env=pong obs=pixel              train one agent; any setting: name=value
  python -m runner -m env=pong obs=pixel,ram seed=0,1   a sweep: every combination
  python -m runner resume=last train.steps=4000000      resume the newest run
  python -m runner.evaluate run=DIR episodes=30         play games with a trained network
  python -m runner.compare runs/sweeps                  compare runs: one page of charts and tables
Also: python -m runner.watch run=DIR (a video), runner.explain (explains the agent's inputs),
runner.lab (live play in the browser), runner.doctor (checks this machine)

Groups: an option sets several settings, group=option.
  env         game: pong, breakout, ... (python -m runner.doctor --games lists them)
  obs         observation: ram, pixel, raw
  model       network: dense, nature, nips, custom, ...
  features    named RAM features of a game: none, seaquest
  agent       learning algorithm: strong, dqn, double, dueling, rainbow, keras_rl2
  memory      replay memory: replay, prioritized, sequential
  policy      behaviour policy: linear, constant, strong, greedy, softmax, ...
  train       training length: ram (10 to 15 minutes), pixel, hour, smoke (seconds)
  experiment  a published tutorial, or a sweep, with all its settings
  logger      curves: default, tensorboard, wandb, mlflow
  video       videos of games: final, off, best, every_eval, every_episode

Flags: --cfg=job prints the resolved settings without running (--cfg=hydra: Hydra's;
--package=agent: one group); -m, --multirun: a sweep; -h, --help.

Every setting with its default and range: docs/configuration.md
"""

CFG: Final = ("job", "hydra", "all")
_SHORT: Final = {
    "-h": "--help", "-c": "--cfg", "-p": "--package", "-m": "--multirun", "-r": "--run",
}  # fmt: skip
_VALUES: Final = ("--cfg", "--package")
_SWITCHES: Final = ("--help", "--multirun", "--run", "--resolve")
COMMANDS: Final = ("evaluate", "watch", "compare", "explain", "lab", "doctor")


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
        if name not in (*_VALUES, *_SWITCHES):
            known = (*_SWITCHES, *_VALUES)
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
    for command in COMMANDS:
        if command in settings:
            raise UserError(f"{command}: expected python -m runner.{command} (with a dot)")
    return Flags(settings, "--help" in given, "--multirun" in given, cfg, given.get("--package"))
