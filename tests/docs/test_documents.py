"""Every link, file, setting, import and command in the documents exists."""

from __future__ import annotations

import ast
import configparser
import importlib
import importlib.util
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from docs.documents import DOCUMENTS, ROOT, Said, anchors, blocks, commands, inline, links, words

from runner.settings import command_line, compose

NAMES = [path.relative_to(ROOT).as_posix() for path in DOCUMENTS]
of_each_document = pytest.mark.parametrize("document", NAMES)

TOP = "conf|runner|models|tests|docs|pretrained|benchmarks|examples|\\.ci"
FILE = re.compile(rf"(?:{TOP})/[\w./<>*-]*|requirements[\w-]*\.txt|[A-Z_]{{4,}}\.(?:md|cff)")
GROUPS = "env|obs|model|agent|memory|policy|train|eval|checkpoint|logger|video"
SETTING = re.compile(rf"\+?((?:{GROUPS})\.[a-z_][\w.]*)(?:=.*)?")


def of(document: str, said: list[Said]) -> list[str]:
    return [each.text for each in said if each.document == document]


def test_the_readme_has_each_kind_of_example() -> None:
    for kind in (links(), inline(), commands()):
        assert of("README.md", kind)
    assert of("docs/howto.md", blocks("python"))


@pytest.mark.parametrize("word", ["python -m runner", "pytest"])
def test_the_readme_has_the_two_commands_that_ci_runs(word: str) -> None:
    texts = [text for language in ("", "bash", "sh") for text in of("README.md", blocks(language))]
    assert any("pip install" in text and word in text for text in texts)


def test_the_readme_shows_the_results_that_the_documents_show() -> None:
    readme, results = ((ROOT / name).read_text() for name in ("README.md", "docs/results.md"))
    interval = re.compile(r"\d \([\d,.]+\u2013[\d,.]+\)")
    scores = [line for line in readme.splitlines() if interval.search(line)]
    assert len(scores) > 3
    assert set(scores) <= set(results.splitlines())


@of_each_document
def test_links_lead_somewhere(document: str) -> None:
    for link in of(document, links()):
        target, _, anchor = link.partition("#")
        path = (ROOT / document).parent / target if target else ROOT / document
        assert path.exists(), link
        if anchor and path.suffix == ".md":
            assert anchor in anchors(path), link


@of_each_document
def test_named_files_exist(document: str) -> None:
    made = (ROOT / ".gitignore").read_text().split()
    for name in filter(FILE.fullmatch, of(document, inline())):
        if f"/{name}" in made:
            continue
        pattern = re.sub(r"<[^>]*>", "*", name).rstrip("/")
        assert list(ROOT.glob(pattern)) or list(ROOT.glob(f"{pattern}.*")), name


@of_each_document
def test_named_settings_are_in_the_reference(document: str) -> None:
    reference = set(of("docs/configuration.md", inline()))
    for name in of(document, inline()):
        if found := SETTING.fullmatch(name):
            assert {found[1], found[1].rpartition(".")[0]} & reference, name


@of_each_document
def test_python_examples_import_existing_names(document: str) -> None:
    for block in of(document, blocks("python")):
        for node in ast.walk(ast.parse(block)):
            if isinstance(node, ast.ImportFrom) and str(node.module).startswith("runner"):
                module = importlib.import_module(str(node.module))
                for name in (alias.name for alias in node.names):
                    inside = f"{node.module}.{name}"
                    assert hasattr(module, name) or importlib.util.find_spec(inside), inside


# --- commands -------------------------------------------------------------------------------------

Check = Callable[[list[str]], None]
# One test per document; long documents have many commands.
of_each_documents_commands = pytest.mark.parametrize(
    "document", [n if n == "README.md" else pytest.param(n, marks=pytest.mark.slow) for n in NAMES]
)


@pytest.fixture
def enough_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """Checks commands without the machine's memory limits."""
    monkeypatch.setattr("runner.settings.memory_checks.check_memory_size", lambda config: None)


@pytest.fixture
def own_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Creates the files that readers are asked to save, in the current folder."""
    for document in NAMES:
        text = (ROOT / document).read_text()
        for name, code in re.findall(r"[Ss]ave .*?`(\w+\.py)`.*?```python\n(.*?)```", text, re.S):
            (tmp_path / name).write_text(code)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)


def check_training(arguments: list[str]) -> None:
    """Composes every value that a command names, except flags and the reader's own files."""
    typed = []
    for text in arguments:
        key, _, value = text.partition("=")
        if key == "init_weights" and value.startswith("tests/"):
            typed.append(f"{key}={ROOT / value}")
        elif key not in ("init_weights", "resume", "sweep.resume", "env.rom_dir") and key[0] != "-":
            typed.append(text)
    choices = [
        [f"{text.partition('=')[0]}={value}" for value in override.sweep_string_iterator()]
        if override.is_sweep_override()
        else [text]
        for override, text in zip(command_line.parse(typed), typed, strict=True)
    ]
    choices = [["env=pong", "env=pitfall"] if c == ["env=all"] else c for c in choices]
    run = [values[0] for values in choices]
    compose.load(run)
    for place, values in enumerate(choices):
        for value in values[1:]:
            compose.load([*run[:place], value, *run[place + 1 :]])


def check_python(arguments: list[str]) -> None:
    if arguments[:2] == ["-m", "runner"]:
        check_training(arguments[2:])
    elif arguments[:1] == ["-m"]:
        module = arguments[1]
        assert importlib.util.find_spec(module), module
        if module.startswith("runner."):  # USAGE names its settings
            found = importlib.import_module(module)
            if hasattr(found, "__path__"):  # a package
                found = importlib.import_module(f"{module}.__main__")
            usage = found.USAGE
            for name in (a.partition("=")[0] for a in arguments[2:] if "=" in a):
                assert f"{name}=" in usage, name


def check_pip(arguments: list[str]) -> None:
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg")
    for word in arguments:
        if word.endswith(".txt"):
            assert (ROOT / word).is_file(), word
        for extra in re.findall(r"\[([\w,]+)\]", word):
            assert set(extra.split(",")) <= set(config["options.extras_require"]), word


def check_make(arguments: list[str]) -> None:
    targets = re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert {word for word in arguments if "=" not in word} <= set(targets)


CHECKS: dict[str, Check] = {
    "python": check_python, "python3": check_python, "pip": check_pip, "make": check_make,
    "atari-runner": check_training,
}  # fmt: skip


@of_each_documents_commands
@pytest.mark.usefixtures("enough_memory", "own_files")
def test_commands_would_run(document: str) -> None:
    for command in of(document, commands()):
        program, *arguments = words(command)
        CHECKS.get(program, lambda arguments: None)(arguments)
