"""Input encoders of dense networks, one file each.

A file ``models/inputs/<kind>.py`` has one subclass of ``Encoder``, a dataclass of its settings, and
imports Keras only inside ``build``: settings are read and checked without Keras.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, ClassVar, Final, NamedTuple, TypeVar

from models.ram import Ram
from models.setting import wrong

AUTO: Final = "auto"  # found in random play
_Parsed = TypeVar("_Parsed")


class Reading(NamedTuple):
    """Arguments of all encoders, in addition to their settings."""

    ram: Ram | None  # None: observations are screens
    dtype: str  # Keras dtype policy of the layers


@dataclass
class Encoder:
    """One part of a dense network's input.

    Attributes:
        kind: Name of its file, used in settings.
        of_ram: Whether it reads RAM bytes only, no screens.
        least_window: Observations in the window below which it yields no features.
        sparse: Whether few of its many features are nonzero: these have a separate product, without
            gains and without a gradient.
    """

    kind: str
    of_ram: ClassVar[bool] = True
    least_window: ClassVar[int] = 1
    sparse: ClassVar[bool] = False

    def check(self, ram: Ram, key: str) -> None:
        """Checks settings that refer to RAM bytes.

        Args:
            ram: Description of an observation's bytes.
            key: Dotted name of this encoder.

        Raises:
            UserError: A setting refers to a byte that is not observed.
        """

    def build(self, window: Any, reading: Reading) -> Any:
        """Creates the encoder's layers.

        Args:
            window: Keras tensor (B, window, *observation) uint8.
            reading: Shared arguments of the network's encoders.

        Returns:
            Keras tensor (B, features).
        """
        raise NotImplementedError


def read(parse: Callable[[Any], _Parsed], entries: Sequence[Any], key: str) -> list[_Parsed]:
    """Parses each entry of a list, for example with ``Ram.byte``.

    Raises:
        UserError: ``parse`` rejects an entry of the setting ``key``, or the list is empty or has
            duplicates.
    """
    if not entries:
        raise wrong(key, entries, "at least one entry")
    parsed: list[_Parsed] = []
    for entry in entries:
        try:
            parsed.append(parse(entry))
        except ValueError as error:
            raise wrong(key, entry, str(error)) from error
    if len(set(parsed)) < len(parsed):
        raise wrong(key, entries, "no duplicates")
    return parsed


def frames_of(window: Any, frames: str) -> Any:
    """``all`` observations of a window (B, window, ...), or the ``newest`` (B, 1, ...)."""
    return window if frames == "all" else window[:, -1:]


@cache
def encoders() -> dict[str, type[Encoder]]:
    """Encoder classes by kind."""
    found: dict[str, type[Encoder]] = {}
    for name in sorted(module.name for module in pkgutil.iter_modules(__path__)):
        module = importlib.import_module(f"{__name__}.{name}")
        for value in vars(module).values():
            is_encoder = isinstance(value, type) and issubclass(value, Encoder)
            if is_encoder and value.__module__ == module.__name__:
                found[name] = value
    return found
