"""From what a user types to one checked ``Config``: Hydra's groups, ALE's games, clear refusals."""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, Optional, Union

from hydra import compose, initialize_config_dir
from hydra._internal.utils import get_args_parser
from hydra.core.config_store import ConfigStore
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.core.plugins import Plugins
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from runner.errors import UserError, wrong
from runner.settings.checks import (
    check,
    check_init_weights,
    check_packages,
    check_writable,
    nearest,
    num_envs,
)
from runner.settings.env_ids import all_ids, of_id
from runner.settings.games import all_games, find_game, squeezed
from runner.settings.memory_checks import check_memory_size
from runner.settings.protocols import PROTOCOLS
from runner.settings.schema import Config, SlotConfig
from runner.shipped import shipped

PATHS: Final = (
    "init_weights", "resume", "sweep.resume", "env.rom_dir", "hydra.run.dir", "hydra.sweep.dir",
)  # fmt: skip
CONF_DIR: Final = shipped("conf")


def _from_protocol(protocol: str, knob: str) -> float | int | bool:
    if protocol not in PROTOCOLS:
        raise wrong("env.protocol", protocol, f"one of {', '.join(PROTOCOLS)}")
    return PROTOCOLS[protocol][knob]


def _by_obs(obs: str, ram: Any, pixel: Any) -> Any:
    return {"ram": ram, "pixel": pixel}.get(obs)  # obs.name itself is checked later


def register() -> None:
    """Makes the schema and every game of ALE known to Hydra: ``env=pong``, ``env=ms_pacman``."""
    OmegaConf.register_new_resolver("from_protocol", _from_protocol, replace=True)
    OmegaConf.register_new_resolver("of_id", of_id, replace=True)
    OmegaConf.register_new_resolver("by_obs", _by_obs, replace=True)
    store = ConfigStore.instance()
    store.store(name="schema", node=Config)
    for game in all_games():
        for name in {game, squeezed(game)}:
            node = {"defaults": ["atari", "_self_"], "game": f"${{of_id:${{.id}},game,{game}}}"}
            store.store(group="env", name=name, node=node)
    # Launchers and sweepers: ours stand for those of the same name that Hydra's plugins bring.
    # Hydra would take the latter for the schema of the former, and warn of it.
    Plugins.instance()  # which registers theirs
    for group in ("launcher", "sweeper"):
        for ours in (CONF_DIR / "hydra" / group).glob("*.yaml"):
            store.repo["hydra"][group].pop(ours.name, None)


def with_paths_quoted(arguments: Sequence[str]) -> list[str]:
    """Quotes paths that hold ``=`` or ``,``, as a sweep's folders do, for Hydra's grammar."""
    quoted = []
    for argument in arguments:
        key, equals, value = argument.partition("=")
        special = key in PATHS and any(mark in value for mark in "=,") and value[0] not in "'\""
        quoted.append(f"{key}='{value}'" if equals and special else argument)
    return quoted


def with_obs_of_id(arguments: Sequence[str]) -> list[str]:
    """Adds the ``obs=`` that a typed ``env.id=`` means, unless something else picks it."""
    typed = dict(argument.partition("=")[::2] for argument in arguments)
    meant = all_ids().get(typed.get("env.id", "").strip("'\""))
    if meant is None or not typed.keys().isdisjoint({"obs", "experiment"}):
        return list(arguments)
    return [*arguments, "obs=ram" if meant.ram else "obs=pixel"]


def check_command_line(arguments: Sequence[str]) -> list[str]:
    """Composes and checks the run that a command line asks for, before anything is made.

    Args:
        arguments: Overrides and Hydra's own flags, such as ``--cfg job``.

    Returns:
        The arguments for Hydra, with what they mean besides.

    Raises:
        UserError: The first thing that is wrong.
    """
    arguments = with_obs_of_id(arguments)
    typed = get_args_parser().parse_args(arguments).overrides
    check_packages(load(typed))
    folders = [str(o.value()) for o in parse(typed) if o.get_key_element() == "hydra.run.dir"]
    check_writable(Path((folders or ["runs"])[-1]), "hydra.run.dir")
    return arguments


def is_hydras(override: Override) -> bool:
    """Whether an override is of Hydra itself, not of a run."""
    return override.get_key_element().startswith("hydra")


def load(overrides: Sequence[str]) -> Config:
    """Composes, types and checks one run's settings.

    Args:
        overrides: As typed: ``env=pong``, ``agent.gamma=0.95``. A ``hydra.*`` override is ignored.

    Raises:
        UserError: The first thing that is wrong, in one line.
    """
    own = [o for o in parse(with_obs_of_id(overrides)) if not is_hydras(o)]
    for override in own:
        _check_name(override)
    chosen = [str(override.value()) for override in own if override.get_key_element() == "env"]
    GlobalHydra.instance().clear()
    try:
        with initialize_config_dir(version_base="1.3", config_dir=str(CONF_DIR)):
            composed = compose("config", [str(override.input_line) for override in own])
        config = typed(composed)
    except (HydraException, OmegaConfBaseException) as error:
        raise one_line(error) from error
    if chosen and find_game(chosen[-1]) != config.env.game:
        allowed = f"a name of the game that env={chosen[-1]} picks, or env.id=null"
        raise wrong("env.id", config.env.id, allowed)
    return config


def typed(composed: DictConfig, *, to_train: bool = True) -> Config:
    """Resolves and checks a composed config; ``auto`` is replaced by what it stands for.

    Args:
        composed: The settings.
        to_train: Whether a run is to start: its weights to start from and its replay's memory must
            be there.

    Raises:
        UserError: The first thing that is wrong, in one line.
    """
    try:
        chosen = {key: composed[key] for key in (f.name for f in dataclasses.fields(Config))}
        config = OmegaConf.to_object(OmegaConf.merge(OmegaConf.structured(Config), chosen))
    except OmegaConfBaseException as error:
        raise one_line(error) from error
    assert isinstance(config, Config)
    check(config)
    if to_train:
        check_init_weights(config)
        check_memory_size(config)
    config.env.num_envs = num_envs(config)
    return config


def parse(overrides: Sequence[str]) -> list[Override]:
    """Parses what was typed.

    Raises:
        UserError: Something is no ``key=value``.
    """
    parsed = []
    for text in overrides:
        try:
            parsed += OverridesParser.create().parse_overrides([text])
        except HydraException as error:
            raise UserError(f"{text}: expected key=value, such as env=pong") from error
    return parsed


def _check_name(override: Override) -> None:
    """Refuses unknown games, options, groups and keys, with the nearest right name."""
    key = override.get_key_element().lstrip("+~")
    value = override.value()
    if not override.is_delete() and (value is None or isinstance(value, int | float)):
        value = override.get_value_element_as_str()  # env=1, model=null: names all the same
    groups = sorted(folder.name for folder in CONF_DIR.iterdir() if folder.is_dir())
    if key == "env" and isinstance(value, str):
        game = find_game(value)
        if value not in (game, squeezed(game)):
            names = " or ".join(dict.fromkeys((squeezed(game), game)))
            raise wrong("env", value, f"{names} (lower case)")
    elif key in groups and isinstance(value, str):
        options = sorted(file.stem for file in (CONF_DIR / key).glob("*.yaml"))
        if value not in options:
            hint = nearest(value, options)
            raise UserError(f"{key}={value}: {hint}expected one of {', '.join(options)}")
    elif key not in groups:
        check_key(key)


def check_key(key: str) -> None:
    """Refuses the name of a setting that does not exist, with the nearest right name.

    Raises:
        UserError: There is no such setting.
    """
    node: Any = Config
    seen = ""
    for part in key.split("."):
        if not dataclasses.is_dataclass(node):
            return  # inside a dict or a list, such as model.arguments.depth
        hints = typing.get_type_hints(node)
        if part not in hints:
            names = [*hints, *_group_names()] if not seen else list(hints)
            place = seen.rstrip(".") or "the config"
            hint = nearest(part, names)
            hint = hint.replace("mean ", f"mean {seen}") if hint else ""
            raise UserError(f"{key}: no such setting; {hint}{place} has {', '.join(names)}")
        node, seen = hints[part], f"{seen}{part}."


def _group_names() -> list[str]:
    fields = {f.name for f in dataclasses.fields(Config)}
    return sorted(f.name for f in CONF_DIR.iterdir() if f.is_dir() and f.name not in fields)


_KINDS: Final[dict[Any, str]] = {
    int: "an integer",
    float: "a number",
    bool: "true or false",
    str: "text",
    list[int]: "a list of integers",
    list[SlotConfig]: "a list of slots, such as [{bits:[36],tiles:[70-30]}]",
    Optional[str]: "text or null",  # noqa: UP045 (as in the schema)
    Optional[int]: "an integer or null",  # noqa: UP045
    Optional[list[int]]: "a list of integers or null",  # noqa: UP045
    Union[int, str]: "auto or an integer",  # noqa: UP007
}


def one_line(error: Exception) -> UserError:
    """Turns what Hydra or OmegaConf raised into one line."""
    causes: list[BaseException] = [error]
    while (cause := causes[-1].__cause__ or causes[-1].__context__) is not None:
        causes.append(cause)
    for cause in causes:
        if isinstance(cause, UserError):
            return cause
    for cause in causes:
        if isinstance(cause, OmegaConfBaseException) and cause.full_key:
            typed = next((word for word in str(error).split() if "=" in word), "the config")
            return _refused_value(cause, typed.lstrip("+"))
    return UserError(" ".join(str(error).split()))


def _refused_value(error: OmegaConfBaseException, typed: str) -> UserError:
    key = str(error.full_key)
    node: Any = Config
    for part in key.split("[")[0].split("."):
        if dataclasses.is_dataclass(node):
            node = typing.get_type_hints(node).get(part)
    first_line = str(error).splitlines()[0]
    if node is None:
        # Inside an entry of a list, such as model.slots, the key begins there.
        place = key if key.split(".")[0] in typing.get_type_hints(Config) else typed
        kind = error.object_type
        names = [f.name for f in dataclasses.fields(kind)] if dataclasses.is_dataclass(kind) else []
        allowed = f"; expected {', '.join(names)}" if names else ""
        return UserError(f"{place}: {first_line}{allowed}")
    expected = _KINDS.get(node) or str(node).replace("typing.", "")
    value = getattr(error, "value", None)
    if value is None:
        return UserError(f"{key}: expected {expected} ({first_line})")
    return wrong(key, value, expected)
