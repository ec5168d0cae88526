"""Saved settings: plain values of limited size; nothing is resolved, imported or executed."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

import pytest

from runner.errors import UserError
from runner.run_directory import RunDirectory
from runner.settings import saved

SECRET = "hunter2"


@pytest.fixture
def path(load: Any, tmp_path: Path) -> Path:
    RunDirectory(tmp_path).write_config(load())
    return tmp_path / "config.yaml"


def replaced(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert text.count(old) >= 1
    path.write_text(text.replace(old, new, 1))


@pytest.mark.parametrize(
    "value", ["${oc.env:SECRET}", "a${b", r"\${oc.env:SECRET}", r"\\${seed}", "???", "${", "{a: 1}"]
)
def test_text_is_escaped(value: str, load: Any, tmp_path: Path) -> None:
    config = load()
    config.logger.wandb_project = value
    RunDirectory(tmp_path).write_config(config)
    if value != "???":  # OmegaConf's marker of a missing value
        assert saved.read(tmp_path / "config.yaml").logger.wandb_project == value
    assert saved.read_plain(tmp_path / "config.yaml")["logger.wandb_project"] == value


@pytest.mark.parametrize("resolver", ["oc.env:SECRET", "seed", "from_protocol:v5,frame_skip"])
def test_saved_configs_resolve_nothing(
    resolver: str, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET", SECRET)
    replaced(path, "\nseed: 0", f"\nseed: ${{{resolver}}}")
    assert saved.read_plain(path)["seed"] == f"${{{resolver}}}"
    with pytest.raises(UserError, match="seed") as refused:
        saved.read(path)
    assert SECRET not in str(refused.value)


NINE = ",".join(["*{0}"] * 9)
BOMB = "a0: &a0 [x, x]\n" + "".join(
    f"a{n}: &a{n} [{','.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 12)
)


@pytest.mark.parametrize(
    ("content", "part"),
    [
        (BOMB, "anchor or alias in line 1"),
        ("a: &a 1\nb: 2", "anchor or alias"),
        ("a: *a", "anchor or alias"),
        ("a: &a [*a]", "anchor or alias"),
        ("<<: &a {b: 1}", "anchor or alias"),
        ("[" * 5_000, "cannot be read"),
        ("a: " + "{b: " * 5_000, "cannot be read"),
        ("a: '" + "x" * 20_000 + "'", "more than 10,000 characters"),
        ("seed: " + "9" * 9_000, "cannot be read"),
        ("#" * 1_000_001, "more than 1,000,000 bytes"),
        ("a: !!python/object/apply:os.system [echo]", "cannot be read"),
        ("a: !!python/name:os.system", "cannot be read"),
        ("", "no settings"),
        ("just text", "no settings"),
    ],
    ids=range(14),
)
def test_hostile_files_are_refused_quickly(content: str, part: str, tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text(content)
    began = time.monotonic()
    for read in (saved.read, saved.read_plain):
        with pytest.raises(UserError) as refused:
            read(tmp_path / "config.yaml")
        assert part in str(refused.value)
        assert len(str(refused.value).splitlines()) == 1
    assert time.monotonic() - began < 30  # a YAML bomb would take forever


@pytest.mark.parametrize(
    "line", ["seed: 0x" + "f" * 6_000, "seed: -1", "seed: [0]", "seed: 2026-01-31", "seed: .nan"]
)
def test_invalid_values_name_the_file(line: str, path: Path) -> None:
    replaced(path, "\nseed: 0", f"\n{line}")
    with pytest.raises(UserError) as refused:
        saved.read(path)
    assert "config.yaml" in str(refused.value)
    assert len(str(refused.value).splitlines()) == 1


def test_a_path_that_is_not_a_file(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").symlink_to("/dev/zero")
    for read in (saved.read, saved.read_plain):
        with pytest.raises(UserError, match=r"no config\.yaml"):
            read(tmp_path / "config.yaml")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("init_weights: null", "init_weights: gone.weights.h5"),
        ("limit: 20000", "limit: 900000000000"),
        ("wandb: false", "wandb: true"),
    ],
)
def test_training_requirements_do_not_apply_to_saved_runs(old: str, new: str, path: Path) -> None:
    replaced(path, old, new)
    saved.read(path)


# --- custom networks ------------------------------------------------------------------------------


def test_a_network_is_imported_only_if_it_is_named_again(load: Any, tmp_path: Path) -> None:
    config = load("model=custom", "model.builder=strange:build")
    with pytest.raises(UserError, match=r"add model.builder=strange:build") as refused:
        saved.allow_builder(config, tmp_path, None)
    assert str(tmp_path) in str(refused.value)
    with pytest.raises(UserError, match=r"model.builder=other:build: expected strange:build"):
        saved.allow_builder(config, tmp_path, "other:build")
    with pytest.raises(UserError, match=r"model.builder=strange:build: expected null"):
        saved.allow_builder(load(), tmp_path, "strange:build")
    saved.allow_builder(load(), tmp_path, None)


def test_the_working_directory_is_not_searched(
    load: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = load("model=custom", "model.builder=strange:build")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", "/elsewhere")
    for entry in ("", str(tmp_path)):
        monkeypatch.setattr(sys, "path", [entry, "/elsewhere"])
        saved.allow_builder(config, tmp_path, "strange:build")
        assert sys.path == ["/elsewhere"]
    monkeypatch.setenv("PYTHONPATH", f"/elsewhere:{tmp_path}")
    monkeypatch.setattr(sys, "path", ["", "/elsewhere"])
    saved.allow_builder(config, tmp_path, "strange:build")
    assert sys.path == ["", "/elsewhere"]
