"""What every test may use. Nothing here imports TensorFlow: the folders that need it do."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from runner.settings import compose
from runner.settings.schema import Config

REPOSITORY = Path(__file__).resolve().parents[1]

# A replay that fits everywhere; the default of obs=pixel takes 7 GB.
SMALL_MEMORY = "memory.limit=20000"

Load = Callable[..., Config]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files that take minutes come first: one that started last would keep a single core busy."""
    items.sort(key=lambda item: item.get_closest_marker("takes_minutes") is None)


@pytest.fixture(scope="session")
def repository() -> Path:
    return REPOSITORY


@pytest.fixture(scope="session")
def load() -> Load:
    """Composes and checks one run: ``load("env=pong", "obs=pixel")``."""
    compose.register()

    def load_small(*overrides: str) -> Config:
        return compose.load([SMALL_MEMORY, *overrides])

    return load_small
