"""Parses the command line: settings (``agent.gamma=0.9``) and options (``obs=pixel``).

Every error is one line with the nearest valid name.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import Final

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override, Quote, QuotedString
from hydra.errors import HydraException
from omegaconf.errors import OmegaConfBaseException

from models.setting import short
from runner.errors import UserError, wrong
from runner.settings.convert import fields_of, nearest, no_such_setting, options_of
from runner.settings.env_ids import all_ids
from runner.settings.games import find_game, squeezed
from runner.settings.schema import Config
from runner.shipped import shipped

PATHS: Final = (
    "init_weights", "resume", "sweep.resume", "env.rom_dir", "hydra.run.dir", "hydra.sweep.dir",
    "logger.mlflow_uri",
)  # fmt: skip
CONF_DIR: Final = shipped("conf")
GROUPS: Final = tuple(sorted(folder.name for folder in CONF_DIR.iterdir() if folder.is_dir()))
LONGEST: Final = 10_000  # characters of one argument


def with_paths_quoted(arguments: Sequence[str]) -> list[str]:
    """Quotes the values of path settings for Hydra's grammar, so that any path is accepted."""
    quoted = []
    for argument in arguments:
        key, equals, value = argument.partition("=")
        is_quoted = len(value) > 1 and value[0] in "'\"" and value[-1] == value[0]
        if equals and key in PATHS and value not in ("", "null") and not is_quoted:
            argument = f"{key}={QuotedString(value, Quote.single).with_quotes()}"
        quoted.append(argument)
    return quoted


def bare(argument: str) -> str:
    """``argument`` without Hydra's ``+``, which means nothing for a setting of a run."""
    plain = argument.lstrip("+")
    return argument if plain.startswith("hydra") else plain


def with_obs_of_id(arguments: Sequence[str]) -> list[str]:
    """Adds the ``obs=`` implied by ``env.id=``, unless the arguments already determine it."""
    typed = dict(bare(argument).partition("=")[::2] for argument in arguments)
    meant = all_ids().get(typed.get("env.id", "").strip("'\""))
    if meant is None or not typed.keys().isdisjoint({"obs", "experiment"}):
        return list(arguments)
    return [*arguments, "obs=ram" if meant.ram else "obs=pixel"]


def option_names(group: str) -> list[str]:
    """Names of a group's options, the files below ``conf/``."""
    return sorted(file.stem for file in (CONF_DIR / group).glob("*.yaml"))


def text_of(override: Override) -> str:
    """The value as typed."""
    return str(override.input_line).partition("=")[2]


def is_hydras(override: Override) -> bool:
    """Whether an override applies to Hydra itself, not to a run."""
    return override.get_key_element().lstrip("+~").split(".")[0].split("/")[0] == "hydra"


def is_option(override: Override) -> bool:
    """Whether an override chooses an option of a group: ``obs=pixel``."""
    return override.get_key_element() in GROUPS and not isinstance(override.value(), dict)


def names_of(overrides: Sequence[Override]) -> set[str]:
    """The dotted names of the individually typed settings."""
    names = set()
    for override in overrides:
        key, value = override.get_key_element(), override.value()
        names |= {f"{key}.{name}" for name in value} if isinstance(value, dict) else {key}
    return names


def parse(overrides: Sequence[str]) -> list[Override]:
    """Parses overrides.

    Raises:
        UserError: An argument is not ``key=value``.
    """
    parsed = []
    for text in overrides:
        if len(text) > LONGEST:
            raise UserError(f"{short(text)}: expected at most {LONGEST:,} characters")
        try:
            parsed += OverridesParser.create().parse_overrides([bare(text)])
        except (HydraException, ValueError, RecursionError) as error:
            raise UserError(f"{short(text)}: expected key=value, such as env=pong") from error
    return parsed


def check_name(override: Override) -> None:
    """Rejects unknown games, options, groups and keys, with the nearest valid name."""
    key = override.get_key_element().lstrip("+~")
    if override.is_delete():
        raise UserError(f"{short(str(override.input_line))}: expected key=value, such as env=pong")
    if is_hydras(override):
        return
    if override.is_sweep_override():
        raise wrong(key, text_of(override), "one value; several with -m, --multirun")
    if not is_option(override):
        check_key(key)
        return
    value = override.value()
    if value is None or isinstance(value, int | float):
        value = override.get_value_element_as_str()  # env=1, model=null: still names
    if not isinstance(value, str):
        raise wrong(key, override.get_value_element_as_str(), "one name")
    if key == "env":
        if value in all_ids():
            raise wrong("env", value, f"a game; for a Gym name, type env.id={value}")
        game = find_game(value)
        if value not in (game, squeezed(game)):
            names = " or ".join(dict.fromkeys((squeezed(game), game)))
            raise wrong("env", value, f"{names} (lower case)")
        return
    options = option_names(key)
    if value not in options:
        raise wrong(key, value, f"one of {', '.join(options)}", nearest(value, options))


def check_key(key: str) -> None:
    """Rejects the name of a setting that does not exist, with the nearest valid name.

    Only the first two parts of the name are checked, over all options of a group; the rest is
    checked once the option is known.

    Raises:
        UserError: There is no such setting.
    """
    first, _, rest = key.partition(".")
    groups = fields_of(Config)
    if first not in groups:
        names = [*groups, *(group for group in GROUPS if group not in groups)]
        raise no_such_setting(short(key), first, "", names)
    name = rest.partition(".")[0].partition("[")[0]
    options = options_of(Config, first)
    choices = list(dict.fromkeys(name for option in options for name in fields_of(option)))
    if rest and name not in choices:
        raise no_such_setting(short(key), name, first, choices)


@contextlib.contextmanager
def one_line_errors() -> Iterator[None]:
    """Converts errors of Hydra, OmegaConf or Python from an invalid setting to one line."""
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
    """Converts an error of Hydra or OmegaConf to a one-line error."""
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
