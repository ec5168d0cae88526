"""Allowed imports, read from the sources."""

from __future__ import annotations

import ast
import functools
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCES = sorted(
    path.relative_to(ROOT).as_posix()
    for package in ("runner", "models")
    for path in (ROOT / package).rglob("*.py")
)
# Upper layers may import lower ones, never the reverse.
ORDER = [
    {"runner.__main__"},
    {"runner.api"},
    {"runner.cards"},
    {"runner.compare", "runner.doctor", "runner.evaluate", "runner.watch"},
    {"runner.atlas", "runner.lab", "runner.places"},
    {"runner.explain"},
    {"runner.commands"},
    {"runner.sweep"},
    {"runner.trained", "runner.training"},
    {"runner.report"},
    {"runner.checkpoint"},
    {"runner.overlays"},
    {"runner.agent", "runner.callbacks", "runner.importance"},
    {"runner.evaluation", "runner.run_directory"},
    {"runner.video"},
    {"runner.environments", "runner.memory", "runner.policies"},
    {"runner.keras_rl2", "runner.scores"},
    {"runner.settings", "runner.weights", "runner.tensorflow_setup"},
    {"runner.diverged", "runner.files", "runner.ram_maps", "runner.cores", "runner.limits"},
    {"runner.errors", "runner.shipped", "runner.cgroups", "runner.durations", "runner.live_line"},
    {"runner.interrupts"},
    {"models"},
]
EXTERNAL = {"hydra", "omegaconf", "rl", "tensorflow", "keras"}


@functools.cache
def tree(source: str) -> ast.Module:
    return ast.parse((ROOT / source).read_text())


def imported(nodes: Iterator[ast.AST]) -> set[str]:
    """Names of the modules imported among ``nodes``."""
    names: set[str] = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative imports hide the arrow"
            assert node.module is not None
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return names


def imports(source: str) -> set[str]:
    return imported(ast.walk(tree(source)))


def imports_at_module_level(source: str) -> set[str]:
    """Imports that run when the module is imported, except those for type checkers."""

    def nodes(body: list[ast.stmt]) -> Iterator[ast.AST]:
        for node in body:
            yield node
            if isinstance(node, ast.If) and ast.unparse(node.test) != "TYPE_CHECKING":
                yield from nodes([*node.body, *node.orelse])
            elif isinstance(node, ast.With | ast.Try):
                yield from nodes(node.body)

    return imported(nodes(tree(source).body))


def external(names: set[str]) -> set[str]:
    return {name.split(".")[0] for name in names} & EXTERNAL


def importers(library: str) -> set[str]:
    return {source for source in SOURCES if library in external(imports(source))}


def rank(module: str) -> int | None:
    for place, level in enumerate(ORDER):
        if any(module == name or module.startswith(f"{name}.") for name in level):
            return place
    return None


def module_name(source: str) -> str:
    return source.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def test_networks_know_nothing_of_the_runner() -> None:
    for source in SOURCES:
        if source.startswith("models/"):
            assert not any(name.split(".")[0] == "runner" for name in imports(source)), source


@pytest.mark.parametrize("library", ["hydra", "omegaconf"])
def test_hydra_and_omegaconf_stay_in_settings_and_main(library: str) -> None:
    inside = {source for source in importers(library) if source.startswith("runner/settings/")}
    assert importers(library) - inside <= {"runner/__main__.py"}
    assert inside


def test_only_one_module_imports_keras_rl2() -> None:
    assert importers("rl") == {"runner/keras_rl2.py"}


@pytest.mark.parametrize("package", ["runner/settings/", "runner/environments/"])
def test_emulators_and_settings_import_no_tensorflow(package: str) -> None:
    for source in SOURCES:
        if source.startswith(package):
            assert not external(imports(source)) & {"tensorflow", "keras", "rl"}, source


@pytest.mark.parametrize(
    "source",
    [
        "runner/__main__.py",
        "runner/evaluate.py",
        "runner/watch.py",
        "runner/doctor.py",
    ],
)
def test_settings_are_checked_before_tensorflow_loads(source: str) -> None:
    """Follows all imports at module level."""
    seen: set[str] = set()
    waiting = [source]
    while waiting:
        current = waiting.pop()
        if current in seen:
            continue
        seen.add(current)
        names = imports_at_module_level(current)
        assert not external(names) & {"tensorflow", "keras", "rl"}, current
        for name in names:
            path = name.replace(".", "/")
            waiting += [s for s in SOURCES if s in (f"{path}.py", f"{path}/__init__.py")]


@pytest.mark.parametrize("source", SOURCES)
def test_imports_point_down(source: str) -> None:
    own = module_name(source)
    place = rank(own)
    if own == "runner":
        assert not imports(source)
        return
    assert place is not None, f"{own} has no place in ORDER"
    for name in imports(source):
        target = rank(name)
        if target is None:
            continue
        same_package = any(
            own.startswith(level) and name.startswith(level) for level in ORDER[place]
        )
        assert target > place or same_package, f"{own} imports {name}"
