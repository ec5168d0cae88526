"""Fixtures for all tests. Imports no TensorFlow; the folders that need it do."""

from __future__ import annotations

import importlib.util
import shutil
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from filelock import FileLock

from runner.settings import compose
from runner.settings.schema import Config

REPOSITORY = Path(__file__).resolve().parents[1]

# A replay memory that fits everywhere; the default with obs=pixel takes 1.8 GB.
SMALL_MEMORY = "memory.limit=20000"

Load = Callable[..., Config]
Once = Callable[[str, Callable[[Path], object]], Path]


# Requirements of `@pytest.mark.needs(extra)`, and the command that installs them.
NEEDS = {
    "sweeps": (
        [
            "hydra_plugins.hydra_joblib_launcher",
            "hydra_plugins.hydra_optuna_sweeper",
            "hydra_plugins.hydra_submitit_launcher",
            "ray",
        ],
        "pip install -r requirements-sweeps.txt",
    ),
    "lab": (["aiohttp"], "pip install -r requirements-lab.txt"),
    "tensorboard": (["tensorboard"], "pip install -r requirements-tensorboard.txt"),
    "wandb": (["wandb"], "pip install -r requirements-wandb.txt"),
    "mlflow": (["mlflow"], "pip install -r requirements-mlflow.txt"),
    "chromium": (["chromium", "chromedriver"], "apt-get install chromium chromium-driver"),
}


def is_installed(name: str) -> bool:
    """Whether a program or Python package of this name is installed."""
    try:
        return shutil.which(name) is not None or importlib.util.find_spec(name) is not None
    except ModuleNotFoundError:  # the parent package is missing
        return False


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--need-all",
        action="store_true",
        help="fail, instead of skipping, where an optional package or program is missing",
    )


def pytest_runtest_setup(item: pytest.Item) -> None:
    for marker in item.iter_markers("needs"):
        names, install = NEEDS[marker.args[0]]
        missing = [name for name in names if not is_installed(name)]
        if missing:
            stop = pytest.fail if item.config.getoption("need_all") else pytest.skip
            stop(f"not installed: {', '.join(missing)}; {install}")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Starts files with slow tests first, sweeps before all: last, they would run alone."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: (item.path not in slow, item.path.parent.name != "sweeps"))


def pytest_configure() -> None:
    """Restores signals ignored under ``nohup`` or in the background, which commands inherit."""
    for name, handler in (("SIGINT", signal.default_int_handler), ("SIGHUP", signal.SIG_DFL)):
        number = getattr(signal, name, None)  # Windows has no SIGHUP
        if number is not None and signal.getsignal(number) == signal.SIG_IGN:
            signal.signal(number, handler)


@pytest.fixture(scope="session")
def repository() -> Path:
    return REPOSITORY


@pytest.fixture(scope="session")
def load() -> Load:
    """Composes and checks one run: ``load("env=pong", "obs=pixel")``."""

    def load_small(*overrides: str) -> Config:
        return compose.load([SMALL_MEMORY, *overrides])

    return load_small


@pytest.fixture(scope="session")
def once(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Once:
    """Creates a folder once for all test processes: ``once("name", make)``.

    ``make`` gets the folder's path, which does not exist yet. Tests only read the folder.
    """
    own = tmp_path_factory.getbasetemp()
    shared = own if worker_id == "master" else own.parent

    def made(name: str, make: Callable[[Path], object]) -> Path:
        folder = shared / name
        done = shared / f"{name}.done"
        with FileLock(shared / f"{name}.lock"):
            if not done.exists():
                shutil.rmtree(folder, ignore_errors=True)
                make(folder)
                done.touch()
        return folder

    return made
