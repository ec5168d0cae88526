"""``python -m runner`` from command line to files, on the real games."""

from __future__ import annotations

import csv
import errno
import json
import math
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from marks import slow_but

from runner import api
from runner.__main__ import main as train
from runner.callbacks.metrics import COLUMNS
from runner.errors import UserError
from runner.run_directory import RunDirectory

SHORT = (
    "memory.limit=3000",
    "eval.episodes=1",
    "env.max_frames=100",
    "env.num_envs=2",
    "video=off",
)
BREAKOUT = ("env=breakout", "agent.jit_compile=false", *SHORT)
TINY = (*BREAKOUT, "agent=dqn", "train.warmup=200", "train.steps=64", "model.hidden=[8,4]")

DATED_LINE = re.compile(
    r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d [\d,]+/[\d,]+ steps \| \d+% \| [\d,]+ steps/s \| ETA \S+ "
    r"\| return \S+ \| eps \S+ \| loss \S+"
)


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def weights_in(path: Path) -> list[Any]:
    found: list[Any] = []
    with h5py.File(path) as file:
        file.visititems(
            lambda _, item: found.append(item[()]) if isinstance(item, h5py.Dataset) else None
        )
    return found


@pytest.fixture(params=slow_but({"pixel_run"}, ["pixel_run", "stock_run"]))
def run(request: pytest.FixtureRequest) -> Any:
    return request.getfixturevalue(request.param)


def test_a_run_succeeds_without_foreign_output(run: Any) -> None:
    assert run.ended.code == 0, run.ended.err
    assert run.ended.err == ""
    assert "oneDNN" not in run.ended.out


def test_a_run_shows_progress(run: Any) -> None:
    lines = run.ended.out.splitlines()
    progress = [line for line in lines if "steps/s" in line]
    assert progress
    assert all(DATED_LINE.fullmatch(line) for line in progress), progress
    assert "| 100% |" in progress[-1]
    for start in ("weights: ", "evaluation: ", "result: "):
        assert any(line.startswith(start) for line in lines)


def test_a_run_lists_how_its_agent_differs_from_dqn(run: Any) -> None:
    (line,) = (line for line in run.ended.out.splitlines() if line.startswith("agent: "))
    if json.loads((run.folder / "result.json").read_text())["agent"] == "keras_rl2":
        assert line == "agent: keras_rl2"
    else:
        assert line.startswith("agent: dqn with batch_size=64, train_interval=8, n_step=3, ")
        assert "target_sync" not in line  # same as DQN


def test_a_run_directory_holds_settings_metrics_weights_result(run: Any) -> None:
    names = {path.name for path in run.folder.iterdir() if not path.name.startswith(".")}
    # keras-rl2's own agent saves weights only.
    curves = {"learning_curve_steps.png", "learning_curve_time.png"}  # only if games ended
    assert names - {"checkpoints", "run_id.txt"} - curves == {
        "config.yaml", "evaluations.csv", "metrics.csv", "report.html", "result.json", "weights",
    }  # fmt: skip
    assert (run.folder / "weights" / "final.weights.h5").is_file()


def test_interval_checkpoints(pixel_run: Any) -> None:
    names = {path.name for path in (pixel_run.folder / "weights").iterdir()}
    assert names == {
        "final.weights.h5",
        "best.weights.h5",
        *(f"step_{n}.weights.h5" for n in (200, 400, 600)),
    }


def test_settings_are_resolved(pixel_run: Any) -> None:
    text = (pixel_run.folder / "config.yaml").read_text()
    assert "${" not in text
    for line in (
        "game: breakout",
        "num_envs: 16",
        "steps: 700",
        "protocol: v5",
        "repeat_action_probability: 0.25",
    ):
        assert line in text


def test_metrics_have_a_line_for_every_game(run: Any) -> None:
    games = rows(run.folder / "metrics.csv")
    assert tuple(games[0]) == COLUMNS
    assert COLUMNS == (
        "step", "frames", "wall_time", "episode_return", "episode_length", "loss", "mean_q",
        "epsilon",
    )  # fmt: skip
    assert len(games) >= 600 // 25 - 16  # truncated after 100 frames, 25 steps
    for column in ("step", "frames", "wall_time"):
        values = [float(game[column]) for game in games]
        assert values == sorted(values)
    assert all(int(game["episode_length"]) == 25 for game in games)
    assert all(int(game["frames"]) >= 4 * int(game["step"]) - 3 for game in games)
    trained = [game for game in games if int(game["step"]) > 350]
    assert trained
    assert any(math.isfinite(float(game["loss"])) for game in trained)
    assert 0.99 < float(games[-1]["epsilon"]) < 1.0


@pytest.mark.parametrize(
    ("name", "game", "obs", "agent", "steps"),
    [
        ("pixel_run", "breakout", "pixel", "dqn", 704),  # whole turns of 8 of the 16 games
        pytest.param("stock_run", "pong", "ram", "keras_rl2", 700, marks=pytest.mark.slow),
    ],
)
def test_result(
    name: str, game: str, obs: str, agent: str, steps: int, request: pytest.FixtureRequest
) -> None:
    folder = request.getfixturevalue(name).folder
    result = json.loads((folder / "result.json").read_text())
    assert [result[key] for key in ("game", "obs", "agent", "seed")] == [game, obs, agent, 0]
    assert result["steps"] == steps
    assert result["train_seconds"] > 0
    assert result["steps_per_second"] == pytest.approx(steps / result["train_seconds"], rel=0.01)
    assert "protocol" not in result  # the settings are in config.yaml
    played = result["evaluation"]
    returns = np.array(played["returns"])
    assert len(returns) == len(played["lengths"]) == played["episodes"] == 2
    for key, value in [
        ("mean", returns.mean()), ("std", returns.std()), ("min", returns.min()),
        ("max", returns.max()),
    ]:  # fmt: skip
        assert played[key] == pytest.approx(value)
    random, human = {"breakout": (1.7, 30.5), "pong": (-20.7, 14.6)}[game]
    assert played["human_normalised"] == pytest.approx(
        (returns.mean() - random) / (human - random), abs=1e-6
    )
    assert played["seconds"] > 0


# --- interrupted and resumed --------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", slow_but({"interrupted_run"}, ["interrupted_run", "interrupted_stock_run"])
)
def test_ctrl_c_saves_the_weights_and_shows_how_to_resume(
    name: str, request: pytest.FixtureRequest
) -> None:
    ended, folder = request.getfixturevalue(name)
    assert ended.code == 130
    assert ended.err == ""
    assert "evaluation" not in ended.out
    assert not (folder / "result.json").exists()
    (weights,) = (folder / "weights").iterdir()
    step = int(weights.name.removeprefix("step_").removesuffix(".weights.h5"))
    assert step > 0
    way = {
        "interrupted_run": f"python -m runner resume={folder}",
        "interrupted_stock_run": f"init_weights={weights} start_step={step}",
    }
    assert ended.out.splitlines()[-1] == f"  {way[name]}"


@pytest.mark.slow
def test_the_printed_command_resumes(
    interrupted_run: Any, here: Callable[..., Any], tmp_path: Path
) -> None:
    (weights,) = (interrupted_run.folder / "weights").iterdir()
    begin = int(weights.name.removeprefix("step_").removesuffix(".weights.h5"))
    shutil.copytree(interrupted_run.folder, tmp_path / "copy")
    hint = interrupted_run.ended.out.split()[-1].replace(str(interrupted_run.folder), "copy")
    ended = here(train, hint, f"train.steps={begin + 1000}", "eval.episodes=1")
    assert ended.code == 0, ended.err
    games = rows(Path("copy/metrics.csv"))
    steps = [int(game["step"]) for game in games]
    result = json.loads(Path("copy/result.json").read_text())
    assert result["train_seconds"] >= float(games[-1]["wall_time"])  # of both parts
    assert result["steps_per_second"] == pytest.approx(
        (begin + 1000) / result["train_seconds"], rel=0.02
    )
    assert steps == sorted(steps)
    assert steps[-1] > begin
    # All steps belong to finished games of 25 steps or to the 16 games in progress.
    assert 0 <= begin + 1000 - 25 * len(steps) < 16 * 25
    assert len(set(steps)) == len(steps)


@pytest.mark.slow
def test_the_printed_settings_resume_the_stock_agent(
    interrupted_stock_run: Any, here: Callable[..., Any]
) -> None:
    hint = interrupted_stock_run.ended.out.splitlines()[-1].split()
    begin = int(hint[1].removeprefix("start_step="))
    settings = ("env=pong", "agent=keras_rl2", "train.warmup=200", *SHORT[:3], *hint)
    ended = here(train, *settings, f"train.steps={begin + 60}", "hydra.run.dir=more")
    assert ended.code == 0, ended.err
    games = rows(Path("more/metrics.csv"))
    assert [int(game["step"]) for game in games] == [begin + 25, begin + 50]
    expected = [1.0 - 0.95 * (begin + played - 1) / 200_000 for played in (25, 50)]
    assert [float(game["epsilon"]) for game in games] == pytest.approx(expected, abs=2e-5)


@pytest.mark.slow
def test_resume_continues_weights_and_step(interrupted_run: Any, here: Callable[..., Any]) -> None:
    (weights,) = (interrupted_run.folder / "weights").iterdir()
    begin = int(weights.name.removeprefix("step_").removesuffix(".weights.h5"))
    hint, end = [f"init_weights={weights}", f"start_step={begin}"], begin + 100
    folder = "hydra.run.dir=more"
    ended = here(
        train, *BREAKOUT, "agent=dqn", "train.warmup=200", *hint, f"train.steps={end}", folder
    )
    assert ended.code == 0, ended.err
    games = rows(Path("more/metrics.csv"))
    steps = [int(game["step"]) for game in games]
    # Two parallel environments, each truncated after 25 steps.
    assert steps == [begin + n for n in (49, 50, 99, 100)]
    expected = [1.0 - 0.95 * at / 200_000 for at in steps]
    assert [float(game["epsilon"]) for game in games] == pytest.approx(expected, abs=2e-5)
    assert json.loads(Path("more/result.json").read_text())["steps"] == end


@pytest.mark.slow
def test_initial_weights_of_a_run(here: Callable[..., Any]) -> None:
    """Nothing is learned during the warm-up: the weights are unchanged."""
    first = Path("first/weights/final.weights.h5")
    second = Path("second/weights/final.weights.h5")
    assert here(train, *TINY, "seed=1", "hydra.run.dir=first").code == 0
    assert here(train, *TINY, "seed=2", f"init_weights={first}", "hydra.run.dir=second").code == 0
    pairs = list(zip(weights_in(first), weights_in(second), strict=True))
    assert len(pairs) == 6
    for ours, theirs in pairs:
        np.testing.assert_array_equal(ours, theirs)


def test_a_run_with_a_custom_network_from_python(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(Path(__file__).parents[1] / "models")
    custom = ("model=custom", "model.builder=own_network:linear", "hydra.run.dir=own")
    run = api.train(*BREAKOUT, "agent=dqn", "train.warmup=200", "train.steps=210", *custom)
    assert run.agent().model.output_shape == (None, 4)
    resumed = run.resume("train.steps=220")
    assert resumed.agent().config.train.steps == 220


# --- refused --------------------------------------------------------------------------------------


def assert_refused(ended: Any, *words: str) -> None:
    assert ended.code == 2
    (line,) = ended.err.splitlines()
    for word in words:
        assert word in line
    assert list(Path().glob("*")) == []


def damaged_h5(tmp_path: Path, run: Path) -> str:
    whole = (run / "weights" / "final.weights.h5").read_bytes()
    path = tmp_path / "damaged.weights.h5"
    path.write_bytes(whole[: len(whole) // 2])
    return str(path)


def damaged_checkpoint(tmp_path: Path, run: Path) -> str:
    data = Path(__file__).parents[1] / "data"
    name = "spaceinvaders_ram_weights_20.h5f"
    shutil.copy(data / f"{name}.index", tmp_path)
    part = f"{name}.data-00000-of-00001"
    whole = (data / part).read_bytes()
    (tmp_path / part).write_bytes(whole[: len(whole) // 2])
    return str(tmp_path / name)


def of_another_shape(tmp_path: Path, run: Path) -> str:
    return str(run / "weights" / "final.weights.h5")


def no_weights_at_all(tmp_path: Path, run: Path) -> str:
    path = tmp_path / "notes.weights.h5"
    path.write_text("nothing of the kind")
    return str(path)


@pytest.mark.parametrize(
    ("make", "word"),
    [
        (damaged_h5, "undamaged .weights.h5"),
        (damaged_checkpoint, "h5f"),
        (of_another_shape, "shapes"),
        (no_weights_at_all, "undamaged .weights.h5"),
    ],
)
def test_unfitting_weights(
    make: Any,
    word: str,
    pixel_run: Any,
    here: Callable[..., Any],
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    path = make(tmp_path_factory.mktemp("weights"), pixel_run.folder)
    ended = here(train, "env=space_invaders", "train=smoke", *SHORT, f"init_weights={path}")
    assert_refused(ended, f"init_weights={path}", word)


def test_missing_weights(here: Callable[..., Any]) -> None:
    ended = here(train, "env=pong", "init_weights=nowhere.weights.h5")
    assert_refused(ended, "init_weights=nowhere.weights.h5", "no such file")


def test_a_run_never_overwrites_another(pixel_run: Any, here: Callable[..., Any]) -> None:
    folder = pixel_run.folder
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    ended = here(train, *TINY, f"hydra.run.dir={folder}")
    assert_refused(ended, f"hydra.run.dir={folder}", "new folder")
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize("name", ["config.yaml", "weights"])
def test_a_used_folder_is_left_as_it_is(name: str, load: Any, tmp_path: Path) -> None:
    (tmp_path / name).mkdir()
    with pytest.raises(UserError, match="expected a new folder"):
        RunDirectory.claim(tmp_path, load(), may_rename=False)
    assert list(tmp_path.iterdir()) == [tmp_path / name]


def test_a_full_disk_leaves_no_half_claimed_folder(
    load: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("runner.files.os.fsync", full)
        with pytest.raises(UserError, match="No space left"):
            RunDirectory.claim(tmp_path / "run", load(), may_rename=False)
    assert RunDirectory.claim(tmp_path / "run", load(), may_rename=False).config.is_file()


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("env=pongg", ["env=pongg", "pong"]),
        ("agent.gama=0.9", ["agent.gama", "agent.gamma"]),
        ("agent.gamma=2", ["agent.gamma=2", "from 0 to 1"]),
        ("train=smok", ["train=smok", "smoke"]),
    ],
)
def test_bad_input_is_refused_in_one_line(
    typed: str, words: list[str], here: Callable[..., Any]
) -> None:
    assert_refused(here(train, typed), *words)
