"""Input encoders of dense networks, one file each.

A file ``models/inputs/<kind>.py`` has one subclass of ``Encoder``, a dataclass of its settings, and
imports Keras only inside ``build``: settings are read and checked without it.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, ClassVar, NamedTuple, TypeVar

from models.ram import Ram
from models.setting import wrong

_Parsed = TypeVar("_Parsed")


class Reading(NamedTuple):
    """What an encoder is built with, beside its own settings."""

    ram: Ram | None  # None: the observations are screens
    dtype: str  # Keras dtype policy of its layers
    activation: str  # of hidden layers, as what follows
    layer_norm: bool
    initializer: str


@dataclass
class Encoder:
    """One part of what a dense network reads.

    Attributes:
        kind: Name of its file, by which settings choose it.
        of_ram: Whether it reads bytes of the RAM only, no screens.
        sparse: Whether few of its many features are not 0: they are met by a product of their own,
            without gains, and get no gradient.
    """

    kind: str
    of_ram: ClassVar[bool] = True
    sparse: ClassVar[bool] = False

    @property
    def adapts(self) -> bool:
        """Whether one of its layers is a ``models.adapting.Adapting``."""
        return False

    def check(self, ram: Ram, key: str) -> None:
        """Checks what relates to the bytes of the RAM.

        Args:
            ram: What the bytes of an observation are.
            key: Dotted name of this encoder.

        Raises:
            UserError: A setting is not of them.
        """

    def build(self, window: Any, reading: Reading) -> Any:
        """Makes its layers.

        Args:
            window: Keras tensor (B, window, *observation) uint8.
            reading: Of the network.

        Returns:
            Keras tensor (B, features).
        """
        raise NotImplementedError


def read(parse: Callable[[Any], _Parsed], entries: Sequence[Any], key: str) -> list[_Parsed]:
    """Reads each entry of a list, such as with ``Ram.byte``.

    Raises:
        UserError: ``parse`` refuses an entry of the setting ``key``, or one is there twice.
    """
    parsed: list[_Parsed] = []
    for entry in entries:
        try:
            parsed.append(parse(entry))
        except ValueError as error:
            raise wrong(key, entry, str(error)) from error
    if len(set(parsed)) < len(parsed):
        raise wrong(key, entries, "no entry twice")
    return parsed


def frames_of(window: Any, frames: str) -> Any:
    """Of a window (B, window, ...) ``all`` observations, or the ``newest`` (B, 1, ...)."""
    return window if frames == "all" else window[:, -1:]


@cache
def encoders() -> dict[str, type[Encoder]]:
    """Every encoder's class by its kind."""
    modules = [
        importlib.import_module(f"{__name__}.{module.name}")
        for module in pkgutil.iter_modules(__path__)
    ]
    own = {
        module.__name__.rpartition(".")[2]: value
        for module in modules
        for value in vars(module).values()
        if isinstance(value, type)
        and issubclass(value, Encoder)
        and value.__module__ == module.__name__
    }
    return dict(sorted(own.items()))
