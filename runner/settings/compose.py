"""Composes a validated ``Config`` from the command line, Hydra's groups and ALE's games."""

from __future__ import annotations

import copy
import dataclasses
import functools
import re
import typing
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hydra import compose, initialize_config_dir
from hydra.core.config_store import ConfigStore
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.types import Override
from hydra.core.plugins import Plugins
from omegaconf import DictConfig, OmegaConf

from models.setting import short
from runner.errors import UserError, wrong
from runner.files import typed_path
from runner.settings.checks import check, check_effects, check_init_weights, num_envs
from runner.settings.command_line import (
    CONF_DIR,
    check_name,
    is_hydras,
    is_option,
    names_of,
    one_line_errors,
    parse,
    with_obs_of_id,
)
from runner.settings.convert import build, defaults
from runner.settings.env_ids import of_id
from runner.settings.games import all_games, find_game, squeezed
from runner.settings.memory_checks import check_memory_size
from runner.settings.protocols import PROTOCOLS
from runner.settings.schema import Config


@dataclass(frozen=True)
class Run:
    """One run of the command line."""

    config: Config
    hydra: DictConfig  # Hydra's settings
    folder_is_typed: bool

    def folder(self) -> Path:
        """The run directory.

        Raises:
            UserError: The path is invalid, or ``hydra.job.chdir`` is set.
        """
        with one_line_errors():
            if self.hydra.job.chdir:
                raise wrong("hydra.job.chdir", True, "false: paths are relative to this folder")
            root = OmegaConf.create({**dataclasses.asdict(self.config), "hydra": self.hydra})
            HydraConfig.instance().set_config(root)  # for ${hydra:...}
            return typed_path(str(root.hydra.run.dir))


def _from_protocol(protocol: str, knob: str) -> float | int | bool:
    if protocol not in PROTOCOLS:
        raise wrong("env.protocol", protocol, f"one of {', '.join(PROTOCOLS)}")
    return PROTOCOLS[protocol][knob]


def _by_obs(obs: str, ram: Any, pixel: Any, both: Any = None) -> Any:
    """``both`` defaults to ``pixel``; obs.name itself is checked later."""
    return {"ram": ram, "pixel": pixel, "both": pixel if both is None else both}.get(obs)


@functools.cache
def _register() -> None:
    """Registers every ALE game with Hydra: ``env=pong``, ``env=ms_pacman``."""
    OmegaConf.register_new_resolver("from_protocol", _from_protocol, replace=True)
    OmegaConf.register_new_resolver("of_id", of_id, replace=True)
    OmegaConf.register_new_resolver("by_obs", _by_obs, replace=True)
    store = ConfigStore.instance()
    for game in all_games():
        for name in {game, squeezed(game)}:
            node = {"defaults": ["atari", "_self_"], "game": f"${{of_id:${{.id}},game,{game}}}"}
            store.store(group="env", name=name, node=node)
    # Launchers and sweepers in conf/ replace those of the same name from Hydra's plugins. Hydra
    # would otherwise use the plugins' as schemas, with a warning.
    Plugins.instance()  # registers the plugins' configurations
    for group in ("launcher", "sweeper"):
        for ours in (CONF_DIR / "hydra" / group).glob("*.yaml"):
            store.repo["hydra"][group].pop(ours.name, None)


def load(overrides: Sequence[str]) -> Config:
    """Composes, types and checks one run's settings.

    Args:
        overrides: ``env=pong``, ``agent.gamma=0.95``, ... ``hydra.*`` overrides are ignored.

    Raises:
        UserError: The first error, in one line.
    """
    return load_run([text for text in overrides if not text.startswith("hydra")]).config


def load_run(overrides: Sequence[str]) -> Run:
    """Composes, types and checks one run, including Hydra's settings.

    Args:
        overrides: The overrides, including Hydra's.

    Raises:
        UserError: The first error, in one line.
    """
    with one_line_errors():
        parsed = parse(with_obs_of_id(overrides))
        values, hydra = composed_of(parsed)
        whole = OmegaConf.create(_merged(defaults(Config, values), values))
        resolved = typing.cast(dict[str, Any], OmegaConf.to_container(whole, resolve=True))
        config = typed(resolved, names_of(parsed))
        chosen = [str(o.value()) for o in parsed if o.get_key_element() == "env"]
        if chosen and find_game(chosen[-1]) != config.env.game:
            if config.env.id is None:
                raise wrong("env.game", config.env.game, f"that of env={chosen[-1]}")
            allowed = f"a name of the game selected by env={chosen[-1]}, or env.id=null"
            raise wrong("env.id", config.env.id, allowed)
        check_init_weights(config)
        check_memory_size(config)
    return Run(config, hydra, "hydra.run.dir" in {o.get_key_element() for o in parsed})


def composed_of(overrides: Sequence[Override]) -> tuple[dict[str, Any], DictConfig]:
    """Composes overrides: the options by Hydra, then the individual values.

    Args:
        overrides: Overrides without sweeps.

    Returns:
        The unresolved settings, and Hydra's settings.

    Raises:
        UserError: A name is invalid.
    """
    for override in overrides:
        check_name(override)
    for_hydra = [o for o in overrides if is_option(o) or is_hydras(o)]
    keys = frozenset(o.get_key_element() for o in for_hydra if o.get_key_element() != "experiment")
    options, hydra = _options(tuple(str(o.input_line) for o in for_hydra), keys)
    values = copy.deepcopy(options)
    for override in overrides:
        if override not in for_hydra:
            put(values, override.get_key_element(), override.value())
    return values, hydra


@functools.lru_cache(maxsize=128)
def _options(lines: tuple[str, ...], typed: frozenset[str]) -> tuple[dict[str, Any], DictConfig]:
    """Composes the options with Hydra. Typed options follow the experiment and override it."""
    _register()
    main = OmegaConf.to_container(OmegaConf.load(CONF_DIR / "config.yaml"))
    assert isinstance(main, dict)
    last = [entry for entry in main["defaults"] if set(entry) & typed]
    first = [entry for entry in main["defaults"] if entry not in last]
    place = first.index("_self_")
    main["defaults"] = [*first[:place], *last, *first[place:]]
    ConfigStore.instance().store(name="run", node=main)
    GlobalHydra.instance().clear()
    with initialize_config_dir(version_base="1.3", config_dir=str(CONF_DIR)):
        composed = compose("run", list(lines), return_hydra_config=True)
    values = OmegaConf.to_container(composed)
    assert isinstance(values, dict)
    del values["hydra"]
    return values, composed.hydra  # type: ignore[return-value]


def typed(values: dict[str, Any], names: set[str] | None = None) -> Config:
    """Types and checks settings, independently of the machine; replaces ``auto`` by its value.

    Args:
        values: Plain values, in which ``${...}`` is text.
        names: The individually typed settings; None: all.

    Raises:
        UserError: The first error, in one line.
    """
    with one_line_errors():
        config: Config = build(Config, values, typed=names)
        check(config)
        check_effects(config, names or ())
        config.env.num_envs = num_envs(config)
        return config


def put(values: dict[str, Any], key: str, value: Any) -> None:
    """Sets the value at ``key``: ``agent.gamma``, ``model.inputs[2].of``; merges a dict.

    Raises:
        UserError: There is no such setting.
    """
    node: Any = values
    *path, last = re.split(r"[.\[]", key.replace("]", ""))
    try:
        for name in path:
            node = node[int(name)] if isinstance(node, list) else node.setdefault(name, {})
        if isinstance(node, list):
            node[int(last)] = value
        elif isinstance(value, dict) and isinstance(node.get(last), dict):
            node[last] = _merged(node[last], value)
        else:
            node[last] = value
    except (AttributeError, IndexError, TypeError, ValueError) as error:
        raise UserError(f"{short(key)}: no such setting") from error


def _merged(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Merges both mappings recursively; ``above`` overrides ``below``."""
    merged = dict(below)
    for name, value in above.items():
        both = isinstance(value, dict) and isinstance(merged.get(name), dict)
        merged[name] = _merged(merged[name], value) if both else value
    return merged


def shown(run: Run, part: str, package: str | None) -> str:
    """The output of ``--cfg``: the run's settings (job), Hydra's (hydra) or both (all), as YAML.

    Raises:
        UserError: There is no such package.
    """
    hydra = OmegaConf.to_container(run.hydra)
    parts: dict[str, Any] = {"job": dataclasses.asdict(run.config), "hydra": {"hydra": hydra}}
    node = OmegaConf.create({**parts["job"], **parts["hydra"]} if part == "all" else parts[part])
    if package is not None:
        with one_line_errors():
            node = OmegaConf.select(node, package)
        if not OmegaConf.is_config(node):
            raise wrong("--package", package, "a group, such as agent")
    return OmegaConf.to_yaml(node)
