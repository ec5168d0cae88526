"""From what a user types to one checked ``Config``: Hydra's groups, ALE's games, clear refusals."""

from __future__ import annotations

import contextlib
import copy
import dataclasses
import functools
import re
import typing
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from hydra import compose, initialize_config_dir
from hydra.core.config_store import ConfigStore
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override, Quote, QuotedString
from hydra.core.plugins import Plugins
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from models.setting import short
from runner.errors import UserError, wrong
from runner.settings.checks import check, check_init_weights, num_envs
from runner.settings.convert import build, defaults, fields_of, nearest, options_of
from runner.settings.env_ids import all_ids, of_id
from runner.settings.games import all_games, find_game, squeezed
from runner.settings.memory_checks import check_memory_size
from runner.settings.protocols import PROTOCOLS
from runner.settings.schema import Config
from runner.shipped import shipped

PATHS: Final = (
    "init_weights", "resume", "sweep.resume", "env.rom_dir", "hydra.run.dir", "hydra.sweep.dir",
    "logger.mlflow_uri",
)  # fmt: skip
CONF_DIR: Final = shipped("conf")
GROUPS: Final = tuple(sorted(folder.name for folder in CONF_DIR.iterdir() if folder.is_dir()))
LONGEST: Final = 10_000  # characters of one argument


@dataclass(frozen=True)
class Run:
    """One run as it was typed."""

    config: Config
    hydra: DictConfig  # Hydra's own settings
    folder_is_typed: bool

    def folder(self) -> Path:
        """Where it writes to.

        Raises:
            UserError: It is no folder, or Hydra is to change into it.
        """
        with one_line_errors():
            if self.hydra.job.chdir:
                raise wrong("hydra.job.chdir", True, "false: relative paths are those of here")
            root = OmegaConf.create({**dataclasses.asdict(self.config), "hydra": self.hydra})
            HydraConfig.instance().set_config(root)  # of ${hydra:...}
            return Path(str(root.hydra.run.dir)).expanduser()


def _from_protocol(protocol: str, knob: str) -> float | int | bool:
    if protocol not in PROTOCOLS:
        raise wrong("env.protocol", protocol, f"one of {', '.join(PROTOCOLS)}")
    return PROTOCOLS[protocol][knob]


def _by_obs(obs: str, ram: Any, pixel: Any) -> Any:
    return {"ram": ram, "pixel": pixel}.get(obs)  # obs.name itself is checked later


def register() -> None:
    """Makes every game of ALE known to Hydra: ``env=pong``, ``env=ms_pacman``."""
    OmegaConf.register_new_resolver("from_protocol", _from_protocol, replace=True)
    OmegaConf.register_new_resolver("of_id", of_id, replace=True)
    OmegaConf.register_new_resolver("by_obs", _by_obs, replace=True)
    store = ConfigStore.instance()
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
    """Quotes the values of path settings for Hydra's grammar: any legal path is taken."""
    quoted = []
    for argument in arguments:
        key, equals, value = argument.partition("=")
        is_quoted = len(value) > 1 and value[0] in "'\"" and value[-1] == value[0]
        if equals and key in PATHS and value not in ("", "null") and not is_quoted:
            argument = f"{key}={QuotedString(value, Quote.single).with_quotes()}"
        quoted.append(argument)
    return quoted


def with_obs_of_id(arguments: Sequence[str]) -> list[str]:
    """Adds the ``obs=`` that a typed ``env.id=`` means, unless something else picks it."""
    typed = dict(argument.partition("=")[::2] for argument in arguments)
    meant = all_ids().get(typed.get("env.id", "").strip("'\""))
    if meant is None or not typed.keys().isdisjoint({"obs", "experiment"}):
        return list(arguments)
    return [*arguments, "obs=ram" if meant.ram else "obs=pixel"]


def is_hydras(override: Override) -> bool:
    """Whether an override is of Hydra itself, not of a run."""
    return override.get_key_element().lstrip("+~").split(".")[0].split("/")[0] == "hydra"


def load(overrides: Sequence[str]) -> Config:
    """Composes, types and checks one run's settings.

    Args:
        overrides: As typed: ``env=pong``, ``agent.gamma=0.95``. A ``hydra.*`` override is ignored.

    Raises:
        UserError: The first thing that is wrong, in one line.
    """
    return load_run([text for text in overrides if not text.startswith("hydra")]).config


def load_run(overrides: Sequence[str]) -> Run:
    """Composes, types and checks one run, and says where it writes.

    Args:
        overrides: As typed, those of Hydra included.

    Raises:
        UserError: The first thing that is wrong, in one line.
    """
    with one_line_errors():
        parsed = parse(with_obs_of_id(overrides))
        values, hydra = composed_of(parsed)
        config = typed(values, names_of(parsed))
        chosen = [str(o.value()) for o in parsed if o.get_key_element() == "env"]
        if chosen and find_game(chosen[-1]) != config.env.game:
            allowed = f"a name of the game that env={chosen[-1]} picks, or env.id=null"
            raise wrong("env.id", config.env.id, allowed)
    return Run(config, hydra, "hydra.run.dir" in {o.get_key_element() for o in parsed})


def composed_of(overrides: Sequence[Override]) -> tuple[dict[str, Any], DictConfig]:
    """Composes what was typed: the options by Hydra, then the single values.

    Args:
        overrides: Without what is swept.

    Returns:
        The settings, not resolved, and Hydra's own.

    Raises:
        UserError: A name is wrong.
    """
    for override in overrides:
        _check_name(override)
    for_hydra = [o for o in overrides if is_option(o) or is_hydras(o)]
    keys = frozenset(o.get_key_element() for o in for_hydra if o.get_key_element() != "experiment")
    options, hydra = _options(tuple(str(o.input_line) for o in for_hydra), keys)
    values = copy.deepcopy(options)
    for override in overrides:
        if override not in for_hydra:
            put(values, override.get_key_element().lstrip("+"), override.value())
    return values, hydra


@functools.lru_cache(maxsize=32)
def _options(lines: tuple[str, ...], typed: frozenset[str]) -> tuple[dict[str, Any], DictConfig]:
    """Has Hydra compose the options. A typed one comes after the experiment, so it wins over it."""
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


def is_option(override: Override) -> bool:
    """Whether an override chooses an option of a group: ``obs=pixel``."""
    return override.get_key_element() in GROUPS and not isinstance(override.value(), dict)


def names_of(overrides: Sequence[Override]) -> set[str]:
    """The dotted names of the settings that are typed one by one."""
    names = set()
    for override in overrides:
        key, value = override.get_key_element().lstrip("+"), override.value()
        names |= {f"{key}.{name}" for name in value} if isinstance(value, dict) else {key}
    return names


def typed(
    values: dict[str, Any],
    names: set[str] | None = None,
    *,
    resolve: bool = True,
    to_train: bool = True,
) -> Config:
    """Types and checks settings; ``auto`` is replaced by what it stands for.

    Args:
        values: Plain, as they were composed, or as a file holds them.
        names: The settings that were typed one by one; None: all.
        resolve: Whether ``${...}`` means something, as in what was composed.
        to_train: Whether a run is to start: its weights to start from and its replay's memory must
            be there.

    Raises:
        UserError: The first thing that is wrong, in one line.
    """
    with one_line_errors():
        if resolve:
            whole = OmegaConf.create(_merged(defaults(Config, values), values))
            values = typing.cast(dict[str, Any], OmegaConf.to_container(whole, resolve=True))
        config: Config = build(Config, values, typed=names)
        check(config)
        if to_train:
            check_init_weights(config)
            check_memory_size(config)
        config.env.num_envs = num_envs(config)
        return config


def put(values: dict[str, Any], key: str, value: Any) -> None:
    """Sets what ``key`` names: ``agent.gamma``, ``model.inputs[2].of``; a dict is merged.

    Raises:
        UserError: There is no such place.
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
    """Both; what is in both is from ``above``."""
    merged = dict(below)
    for name, value in above.items():
        both = isinstance(value, dict) and isinstance(merged.get(name), dict)
        merged[name] = _merged(merged[name], value) if both else value
    return merged


def parse(overrides: Sequence[str]) -> list[Override]:
    """Parses what was typed.

    Raises:
        UserError: Something is no ``key=value``.
    """
    parsed = []
    for text in overrides:
        if len(text) > LONGEST:
            raise UserError(f"{short(text)}: expected at most {LONGEST:,} characters")
        try:
            parsed += OverridesParser.create().parse_overrides([text])
        except (HydraException, ValueError, RecursionError) as error:
            raise UserError(f"{short(text)}: expected key=value, such as env=pong") from error
    return parsed


def _check_name(override: Override) -> None:
    """Refuses unknown games, options, groups and keys, with the nearest right name."""
    key = override.get_key_element().lstrip("+~")
    if override.is_delete():
        raise UserError(f"{short(str(override.input_line))}: expected key=value, such as env=pong")
    if is_hydras(override):
        return
    if override.is_sweep_override():
        several = str(override.input_line).partition("=")[2]
        raise wrong(key, several, "one value; with -m, --multirun several")
    if not is_option(override):
        check_key(key)
        return
    value = override.value()
    if value is None or isinstance(value, int | float):
        value = override.get_value_element_as_str()  # env=1, model=null: names all the same
    if not isinstance(value, str):
        raise wrong(key, override.get_value_element_as_str(), "one name")
    if key == "env":
        if value in all_ids():
            raise wrong("env", value, f"a game; env.id={value} takes names of Gym")
        game = find_game(value)
        if value not in (game, squeezed(game)):
            names = " or ".join(dict.fromkeys((squeezed(game), game)))
            raise wrong("env", value, f"{names} (lower case)")
        return
    options = sorted(file.stem for file in (CONF_DIR / key).glob("*.yaml"))
    if value not in options and (key, value) != ("experiment", "null"):
        raise wrong(key, value, f"one of {', '.join(options)}", nearest(value, options))


def check_key(key: str) -> None:
    """Refuses the name of a setting that does not exist, with the nearest right name.

    Only the first name is looked at where a group has several options: the rest is checked when it
    is known which one it is.

    Raises:
        UserError: There is no such setting.
    """
    first, _, rest = key.partition(".")
    groups = fields_of(Config)
    if first not in groups:
        names = [*groups, *(group for group in GROUPS if group not in groups)]
        hint = nearest(first, names)
        shown = ", ".join(names)
        raise UserError(f"{short(key)}: no such setting; {hint}the config has {shown}")
    name = rest.partition(".")[0].partition("[")[0]
    options = options_of(Config, first)
    choices = list(dict.fromkeys(name for option in options for name in fields_of(option)))
    if rest and name not in choices:
        hint = nearest(name, choices).replace("mean ", f"mean {first}.")
        shown = ", ".join(choices)
        raise UserError(f"{short(key)}: no such setting; {hint}{first} has {shown}")


@contextlib.contextmanager
def one_line_errors() -> Iterator[None]:
    """Turns whatever a wrong setting makes Hydra, OmegaConf or Python raise into one line."""
    try:
        yield
    except UserError:
        raise
    except (
        HydraException, OmegaConfBaseException, ValueError, ArithmeticError, RecursionError,
        TypeError, AttributeError, LookupError, AssertionError,
    ) as error:  # fmt: skip
        raise one_line(error) from error


def one_line(error: BaseException) -> UserError:
    """Turns what Hydra or OmegaConf raised into one line."""
    causes = [error]
    while (cause := causes[-1].__cause__ or causes[-1].__context__) is not None:
        causes.append(cause)
    for cause in causes:
        if isinstance(cause, UserError):
            return cause
    for cause in causes:
        if isinstance(cause, OmegaConfBaseException) and cause.full_key:
            return UserError(f"{cause.full_key}: {str(cause).splitlines()[0]}")
    return UserError(str(error) or type(error).__name__)


def shown(run: Run, part: str, package: str | None) -> str:
    """What ``--cfg`` prints: the run's settings (job), Hydra's (hydra) or both (all), as YAML.

    Raises:
        UserError: There is no such package.
    """
    hydra = OmegaConf.to_container(run.hydra)
    parts: dict[str, Any] = {"job": dataclasses.asdict(run.config), "hydra": {"hydra": hydra}}
    node = OmegaConf.create({**parts["job"], **parts["hydra"]} if part == "all" else parts[part])
    if package is not None and (node := OmegaConf.select(node, package)) is None:
        raise wrong("--package", package, "a group, such as agent")
    return OmegaConf.to_yaml(node)
