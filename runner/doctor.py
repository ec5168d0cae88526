"""``python -m runner.doctor``: checks whether this machine is ready, and says how to fix it."""

from __future__ import annotations

import importlib
import importlib.metadata
import os
import platform
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, NamedTuple

from runner.commands import HELP, HelpAsked, guarded
from runner.cores import cores, cpu_features
from runner.errors import UserError

USAGE = "python -m runner.doctor [--games]"
INSTALL: Final = "pip install -r requirements.txt"
PACKAGES: Final = (
    "tensorflow", "keras", "keras-rl2", "gymnasium", "ale-py", "hydra-core", "numpy",
    "opencv-python-headless", "psutil", "h5py",
)  # fmt: skip
CPU_FEATURES: Final = {
    "avx2": "vector arithmetic",
    "avx512f": "wider vector arithmetic",
    "avx512_bf16": "bfloat16 arithmetic",
    "amx_bf16": "bfloat16 matrix units",
}
GIGABYTE: Final = 1e9


class Finding(NamedTuple):
    """One line of output: item, finding, and the fix if there is a problem."""

    what: str
    seen: str
    mend: str = ""  # fix; empty: no problem
    needed: bool = True  # nothing runs without the fix


def _python() -> Iterator[Finding]:
    version = platform.python_version()
    good = (3, 10) <= sys.version_info[:2] < (3, 14)
    yield Finding("Python", version, "" if good else "use Python 3.10, 3.11, 3.12 or 3.13")


def _packages() -> Iterator[Finding]:
    pins = _pins()
    for name in PACKAGES:
        try:
            version = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            yield Finding(name, "not installed", INSTALL)
            continue
        other = pins.get(name) and version not in pins[name]
        mend = f"tested with {' or '.join(pins[name])}: {INSTALL}"
        yield Finding(name, version, mend if other else "", needed=False)


def _pins() -> dict[str, list[str]]:
    """The versions in requirements.txt, by package."""
    lock = Path(__file__).resolve().parents[1] / "requirements.txt"
    pins: dict[str, list[str]] = {}
    for line in lock.read_text().splitlines() if lock.is_file() else ():
        name, pinned, rest = line.partition("==")
        if pinned and not line.startswith("#"):
            pins.setdefault(name, []).append(rest.split(";")[0].strip())
    return pins


def _games() -> Iterator[Finding]:
    from runner.settings.games import all_games, rom_path

    missing, mend = 0, ""
    for game in all_games():
        try:
            rom_path(game, None)
        except UserError as error:
            missing, mend = missing + 1, str(error)
    yield Finding("games", f"{len(all_games()) - missing} of {len(all_games())} ROMs", mend)


def _cpu() -> Iterator[Finding]:
    found = [f"{name} ({use})" for name, use in CPU_FEATURES.items() if name in cpu_features()]
    shown = ", ".join(found) if cpu_features() else "features unknown on this system"
    yield Finding("CPU", f"{cores()} core(s), {shown or 'no vector features'}")


def _tensorflow() -> Iterator[Finding]:
    from runner.tensorflow_setup import GPUS  # first: it keeps TensorFlow quiet

    importlib.import_module("runner.keras_rl2")
    yield Finding("GPU", f"{len(GPUS)} found" if GPUS else "none: the CPU is used")
    yield Finding("keras-rl2", "loads on this TensorFlow")


def _memory() -> Iterator[Finding]:
    from runner.limits import free_memory
    from runner.settings import compose

    mend = ""
    try:
        compose.load(["obs=pixel"])
    except UserError as error:
        mend = f"obs=pixel: {error}"
    yield Finding("free memory", f"{free_memory() / GIGABYTE:.1f} GB", mend, needed=False)


def _disk() -> Iterator[Finding]:
    free = shutil.disk_usage(Path.cwd()).free / GIGABYTE
    writable = os.access(Path.cwd(), os.W_OK)
    mend = "" if writable else "go to a folder you can write to, or set hydra.run.dir="
    yield Finding("this folder", f"{free:.0f} GB free", mend)


EXAMINATIONS: Final[tuple[Callable[[], Iterator[Finding]], ...]] = (
    _python, _packages, _games, _cpu, _tensorflow, _memory, _disk,
)  # fmt: skip


def _findings(examine: Callable[[], Iterator[Finding]]) -> Iterator[Finding]:
    """The findings of one examination; a package that it cannot import is one of them."""
    try:
        yield from examine()
    except ImportError as error:
        name = examine.__name__.strip("_")
        yield Finding(name, f"cannot be checked: {error}", INSTALL)


@guarded
def main(arguments: list[str]) -> int:
    """Prints the findings. Returns 0: ready, 1: not ready."""
    if arguments == ["--games"]:
        from runner.settings.games import all_games

        print("\n".join(all_games()))
        return 0
    if set(arguments) & set(HELP):
        raise HelpAsked(f"usage: {USAGE}")
    if arguments:
        raise UserError(f"{arguments[0]}: expected {USAGE}")
    ready = True
    for examine in EXAMINATIONS:
        for what, seen, mend, needed in _findings(examine):
            mark = "ok  " if not mend else ("FAIL" if needed else "note")
            ready = ready and not (mend and needed)
            print(f"{mark}  {what:24}{seen}" + (f"  -> {mend}" if mend else ""))
    print("\nready" if ready else "\nnot ready: see the lines marked FAIL")
    return 0 if ready else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
