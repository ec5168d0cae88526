"""Plans of sweeps, and refusals before the start."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest

from runner.errors import UserError
from runner.settings import compose, sweeps
from runner.settings.launchers import check_installed
from runner.settings.memory_checks import PROGRAM_BYTES, replay_bytes
from runner.sweep.folder import SweepDirectory

SMALL = "memory.limit=20000"
NEEDS_EXTRA = pytest.mark.needs("sweeps")
WINDOWS_REFUSES = set('<>:"/\\|?*')


def names(*settings: str) -> list[str]:
    return [run.name for run in sweeps.plan([SMALL, *settings]).runs]


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        (["obs=pixel,ram", "seed=0,1"],
         ["obs=pixel,seed=0", "obs=pixel,seed=1", "obs=ram,seed=0", "obs=ram,seed=1"]),
        (["seed=1,0", "obs=ram"], ["seed=1", "seed=0"]),  # only swept settings
        (["seed=range(0,3)"], ["seed=0", "seed=1", "seed=2"]),
        (["seed=3"], ["run"]),
        (["model.hidden=[8],[16,8]"], ["model.hidden=[8]", "model.hidden=[16,8]"]),
        (["experiment=pixel_vs_ram", "seed=7"], ["obs=ram", "obs=pixel", "obs=both"]),
        (["experiment=pixel_vs_ram"],
         [f"obs={obs},seed={seed}" for obs in ("ram", "pixel", "both") for seed in (0, 1, 2)]),
    ],
)  # fmt: skip
def test_runs_are_named_by_swept_settings(settings: list[str], expected: list[str]) -> None:
    assert names(*settings) == expected


@pytest.mark.parametrize("value", ["a:b/c*?", "x" * 200, "C:\\games\\<1>|2", "'quoted, text'"])
def test_a_name_is_safe_on_every_system(value: str) -> None:
    key = "model.arguments.note"
    name = sweeps.name_of([f"+{key}={value}"], [key])
    assert name.startswith(key)
    assert not set(name) & WINDOWS_REFUSES
    assert len(name) < 80
    other = sweeps.name_of([f"+{key}={value}2"], [key])
    assert other != name
    assert sweeps.name_of([f"{key}={value}"], [key]) == name  # reproducible


def test_names_of_many_settings_stay_short() -> None:
    keys = [f"agent.setting_{n}" for n in range(20)]
    name = sweeps.name_of([f"{key}=0.123456789" for key in keys], keys)
    assert len(name) <= sweeps.LONGEST_NAME


def test_settings_typed_to_resume_replace_those_of_the_same_name() -> None:
    before = ["seed=0,1", "env=pong", "hydra.launcher.n_jobs=1"]
    after = sweeps.with_typed(before, ["hydra.launcher.n_jobs=2", "+seed=0,1,2"])
    assert after == ["env=pong", "hydra.launcher.n_jobs=2", "+seed=0,1,2"]
    assert sweeps.with_typed(before, []) == before


@pytest.mark.parametrize(
    ("multirun", "settings", "expected"),
    [
        (True, ["seed=0,1"], True),
        (False, ["experiment=pixel_vs_ram"], True),
        (False, ["+experiment=pixel_vs_ram"], True),
        pytest.param(False, ["experiment=search"], True, marks=NEEDS_EXTRA),
        (False, ["sweep.resume=runs/sweeps/x"], True),
        (False, ["experiment=pixel_vs_ram", "hydra.mode=RUN"], False),  # a run of a sweep
        (False, ["experiment=spaceinvaders_ram"], False),
        (False, ["env=pong"], False),
    ],
)
def test_which_commands_are_sweeps(multirun: bool, settings: list[str], expected: bool) -> None:
    assert sweeps.is_sweep(settings, multirun=multirun) is expected


@pytest.mark.parametrize(
    ("settings", "parts"),
    [
        (["seed=0,-1"], ["seed=-1"]),  # the last run is the wrong one
        (["env=pong,pogn"], ["env=pogn", "did you mean pong"]),
        (["model=dense,nature", "obs=pixel,ram"], ["model=conv", "obs=ram"]),
        (["seed=1,1"], ["seed=1", "once"]),
        (["seed=interval(0,1)"], ["seed=interval(0,1)", "1,2,3"]),
        (["seed=range(0,3,0)"], ["seed=range(0,3,0)", "1,2,3"]),
        (["seed=range(3,0)"], ["seed=range(3,0)", "no value"]),
        (["seed=range(0,1000000000000)"], ["at most 10,000 runs"]),
        (["seed=range(0,200)", "env.frame_skip=range(0,200)"], ["at most 10,000 runs"]),
        (["seed=glob(*)"], ["seed=glob(*)"]),
        (["seed=0,1", "hydra.sweep.subdir=x"], ["hydra.sweep.subdir=x"]),
        (["hydra/launcher=joblob"], ["joblob"]),
        pytest.param(
            ["hydra/launcher=joblib", "hydra.launcher.n_jobs=two"],
            ["n_jobs=two"],
            marks=NEEDS_EXTRA,
        ),
        pytest.param(
            ["experiment=search", "hydra.sweeper.n_trials=many"],
            ["hydra.sweeper.n_trials=many", "an integer >= 1"],
            marks=NEEDS_EXTRA,
        ),
        pytest.param(
            ["experiment=search", "hydra.sweeper.n_jobs=0"], ["n_jobs=0"], marks=NEEDS_EXTRA
        ),
        pytest.param(
            ["experiment=search", "obs.window=interval(0,3)"], ["obs.window=0"], marks=NEEDS_EXTRA
        ),
    ],
)
def test_the_first_error_is_reported_in_one_line(settings: list[str], parts: list[str]) -> None:
    with pytest.raises(UserError) as caught:
        names(*settings)
    text = str(caught.value)
    assert "\n" not in text
    for part in parts:
        assert part in text


def test_a_missing_launcher(monkeypatch: pytest.MonkeyPatch) -> None:
    hydra = sweeps.hydra_settings(["hydra/launcher=ray"])
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(UserError, match=r"hydra/launcher=ray: not installed; .* pip install -r"):
        check_installed(hydra)


@pytest.mark.parametrize(
    ("settings", "at_once"),
    [
        ([], 1),
        pytest.param(["hydra/launcher=joblib"], 2, marks=NEEDS_EXTRA),
        pytest.param(["hydra/launcher=joblib", "hydra.launcher.n_jobs=9"], 3, marks=NEEDS_EXTRA),
        pytest.param(["hydra/launcher=submitit_local"], 3, marks=NEEDS_EXTRA),
        pytest.param(["hydra/launcher=submitit_slurm"], None, marks=NEEDS_EXTRA),
        pytest.param(["hydra/launcher=ray"], None, marks=NEEDS_EXTRA),
    ],
)
def test_how_many_runs_share_the_machine(settings: list[str], at_once: int | None) -> None:
    assert sweeps.plan([SMALL, "seed=0,1,2", *settings]).at_once == at_once


def test_parallel_runs_must_fit_into_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = compose.load([SMALL])
    of_one = replay_bytes(config) + PROGRAM_BYTES
    monkeypatch.setattr("runner.settings.sweeps.free_memory", lambda: of_one * 3 // 2)
    sweeps.check_together([config, config], tmp_path / "sweep", at_once=1)
    sweeps.check_together([config], tmp_path / "sweep", at_once=2)
    sweeps.check_together([config, config], tmp_path / "sweep", at_once=None)
    with pytest.raises(UserError, match=r"memory.limit=20000: .* 2 parallel runs"):
        sweeps.check_together([config, config], tmp_path / "sweep", at_once=2)


def test_a_new_sweep_uses_a_new_folder(tmp_path: Path) -> None:
    for name in ("a", "a-2", "a-3"):
        directory = SweepDirectory.unused(tmp_path / "a")
        assert directory.folder.name == name
        with directory.locked():
            directory.write(["seed=0,1"], ["seed"], [])


def test_runs_alternate_gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    from runner.sweep import job

    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,3")
    devices: list[Any] = [job.environment(3, number)["CUDA_VISIBLE_DEVICES"] for number in range(3)]
    assert devices == ["0", "3", "0"]
    assert job.environment(1, 1)["CUDA_VISIBLE_DEVICES"] == "0,3"  # a single run uses all GPUs
