"""The five published tutorials: the authors' values, and the first updates on the real game."""

from __future__ import annotations

import csv
import math
from operator import attrgetter
from pathlib import Path
from typing import Any

import pytest
from marks import slow_but

from models.inputs.scaled import Scaled
from runner.__main__ import main
from runner.settings import command_line, compose
from runner.settings.schema import Config

SQUARED = {"agent.delta_clip": math.inf, "agent.reward_clip": math.inf}
CONVOLUTIONS = {
    "model.filters": [32, 64, 64],
    "model.kernels": [8, 4, 3],
    "model.strides": [4, 2, 1],
}
SPACE_INVADERS = {
    "env.game": "space_invaders", "env.frame_skip": [2, 3, 4],
    "env.repeat_action_probability": 0.25,
    "env.full_actions": False, "env.noop_max": 0, "env.terminal_on_life_loss": False,
    "obs.window": 3, "obs.padding": "zeros", "model.activation": "relu",
    "agent.name": "dqn", "agent.gamma": 0.99, "agent.batch_size": 32, "agent.train_interval": 1,
    "agent.target_update": 10_000, "agent.target_sync": "steps", "agent.optimizer": "adam",
    "agent.learning_rate": 2.5e-4, "agent.double": False, "agent.dueling": "avg", **SQUARED,
    "memory.name": "replay", "memory.limit": 1000, "memory.border": "pad",
    "policy.name": "eps_greedy", "policy.schedule": "linear", "policy.value_max": 1.0,
    "policy.value_min": 0.1, "train.warmup": 1000, "eval.epsilon": 0.2, "logger.verbose": 2,
}  # fmt: skip
BREAKOUT = {
    "env.game": "breakout", "env.repeat_action_probability": 0.25,
    "obs.name": "pixel", "obs.color": "luma", "obs.crop": [34, 194, 0, 160],
    "obs.resize": "nearest", "obs.height": 84, "obs.width": 84, "obs.window": 4,
    "obs.max_pool": False, "obs.subsample": 1, "model.scale": 1 / 255, "model.activation": "relu",
    "model.hidden": [512], "agent.gamma": 0.99, "agent.optimizer": "adam", "agent.double": False,
    "agent.dueling": "none", "agent.delta_clip": 1.0, "agent.reward_clip": math.inf,
}  # fmt: skip

TUTORIALS: dict[str, dict[str, Any]] = {
    "spaceinvaders_pixel_raw": {
        **SPACE_INVADERS, **CONVOLUTIONS, "env.id": "SpaceInvaders-v0", "env.num_envs": 1,
        "obs.name": "pixel", "obs.color": "rgb", "obs.resize": "none", "obs.crop": None,
        "obs.subsample": 1, "obs.max_pool": False,
        "model.scale": 1.0, "model.name": "conv", "model.per_frame": True,
        "model.hidden": [512, 256],
        "policy.nb_steps": 10_000, "train.steps": 10_000, "checkpoint.interval": 5000,
    },
    "spaceinvaders_ram": {
        **SPACE_INVADERS, "env.id": "SpaceInvaders-ram-v0", "obs.name": "ram", "obs.bytes": None,
        "model.name": "dense", "model.hidden": [512, 128], "model.inputs": [Scaled(factor=1.0)],
        "policy.nb_steps": 10_000_000, "train.steps": 10_000_000, "checkpoint.interval": 50_000,
    },
    "pong_elu": {
        "env.id": "Pong-v4", "env.game": "pong", "env.frame_skip": [2, 3, 4],
        "env.repeat_action_probability": 0.0,
        "env.max_steps": 50_000, "env.num_envs": 1,
        "obs.name": "pixel", "obs.subsample": 2, "obs.color": "mean", "obs.resize": "none",
        "obs.crop": None, "obs.window": 4, "obs.padding": "first",
        "obs.zero_terminal_observation": True,
        "obs.max_pool": False, "model.scale": 1 / 255,
        "model.filters": [32, 64, 64], "model.kernels": [8, 3, 3], "model.strides": [4, 2, 2],
        "model.hidden": [512], "model.activation": "elu",
        "model.dense_initializer": "glorot_uniform",
        "policy.name": "eps_greedy", "policy.schedule": "exponential", "policy.value_min": 0.01,
        "policy.value_max": 0.01 + 0.99, "policy.rate": 3e-5,
        "agent.gamma": 0.9, "agent.learning_rate": 2.5e-4, "agent.batch_size": 64, **SQUARED,
        "agent.train_interval": 1, "agent.target_update": 0, "agent.double": False,
        "agent.dueling": "none", "memory.limit": 1_000_000,
        "train.episodes": 50, "train.steps": 50 * 50_000, "checkpoint.weights": "episode",
        "video.name": "every_episode", "logger.verbose": 2,
    },
    "breakout_huber": {
        **BREAKOUT, "env.id": "Breakout-v0", "env.frame_skip": [2, 3, 4],
        "env.terminal_on_life_loss": False,
        "model.filters": [32, 64, 128], "model.kernels": [8, 4, 2], "model.strides": [8, 4, 2],
        "model.conv_initializer": "he_normal", "model.dense_initializer": "he_normal",
        "train.warmup": 16_384, "memory.limit": 65_536, "agent.batch_size": 64,
        "agent.train_interval": 1, "agent.learning_rate": 0.01, "agent.target_update": 10_000,
        "agent.target_sync": "steps", "train.episodes": 4000, "logger.verbose": 2,
        "policy.name": "eps_greedy", "policy.schedule": "piecewise",
        "policy.points": [[16_383, 1.0], [16_384, 0.4], [16_384 + 1_000_000, 0.01]],
    },
    "breakout_expected_sarsa": {
        **BREAKOUT, **CONVOLUTIONS, "env.id": "BreakoutDeterministic-v0", "env.frame_skip": 4,
        "env.fire_at_start": True, "env.start_moves_max": 0, "env.terminal_on_life_loss": True,
        "env.life_loss_reward": -1.0, "env.max_steps": 2500, "env.truncation_reward": -1.0,
        "model.conv_bias": False, "model.conv_initializer": "he_untruncated_normal",
        "model.dense_initializer": "glorot_uniform",
        "agent.expected_sarsa": True, "policy.name": "eps_greedy", "policy.schedule": "piecewise",
        "policy.points": [[300_000, 1.0], [300_000 + 900_000, 0.1]],
        "train.steps": 2_500_000, "agent.batch_size": 32, "agent.train_interval": 2,
        "memory.limit": 1_000_000, "memory.border": "redraw", "train.warmup": 50_000,
        "agent.learning_rate": 1e-5, "agent.adam_epsilon": 1e-8,
        "agent.target_update": math.floor(5000 * 2 / 32) + 1, "agent.target_sync": "game_end",
        "eval.interval": 200_000, "eval.start": 300_000, "eval.episodes": 100, "eval.epsilon": 0.0,
        "video.name": "best", "video.gif": True, "logger.tensorboard": True,
    },
}  # fmt: skip


@pytest.fixture(autouse=True)
def enough_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """Settings are checked without the machine's memory limits."""
    monkeypatch.setattr("runner.settings.compose.check_memory_size", lambda config: None)


def composed(name: str, *typed: str) -> Config:
    return compose.load([f"experiment={name}", *typed])


def test_every_experiment_of_a_tutorial_is_in_the_table() -> None:
    files = {file.stem for file in (command_line.CONF_DIR / "experiment").glob("*.yaml")}
    assert set(TUTORIALS) <= files


@pytest.mark.parametrize("name", TUTORIALS)
def test_the_authors_values(name: str) -> None:
    config = composed(name)
    found = {field: attrgetter(field)(config) for field in TUTORIALS[name]}
    assert found == {
        field: pytest.approx(value) if isinstance(value, float) else value
        for field, value in TUTORIALS[name].items()
    }


@pytest.mark.parametrize(
    ("typed", "expected_sarsa", "rule", "parameters"),
    [
        (["agent.expected_sarsa=false"], False, "eps_greedy", [[300_000, 1.0], [1_200_000, 0.1]]),
        ([], True, "eps_greedy", [[300_000, 1.0], [1_200_000, 0.1]]),
        (["policy=softmax", "policy.value_max=5e-5"], True, "softmax", 5e-5),
    ],
    ids=["Q-learning", "expected SARSA, epsilon-greedy", "expected SARSA, softmax"],
)
def test_the_three_policies(
    typed: list[str], expected_sarsa: bool, rule: str, parameters: Any
) -> None:
    config = composed("breakout_expected_sarsa", *typed)
    policy = config.policy
    assert (config.agent.expected_sarsa, policy.name) == (expected_sarsa, rule)
    assert (getattr(policy, "points", None) or policy.value_max) == parameters


# A few steps of short games, and a few dozen small updates.
SMALL = (
    "env.num_envs=2", "env.max_frames=100", "agent.batch_size=4", "memory.limit=200",
    "train.warmup=40", "train.steps=110", "eval.episodes=1", "agent.jit_compile=false",
)  # fmt: skip
HIDDEN = {"spaceinvaders_pixel_raw": "[8,4]", "spaceinvaders_ram": "[8,4]"}


@pytest.mark.parametrize("name", slow_but({"spaceinvaders_ram"}, TUTORIALS))
def test_first_updates_of_a_tutorial(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    hidden = f"model.hidden={HIDDEN.get(name, '[8]')}"
    typed = [f"experiment={name}", *SMALL, hidden, f"hydra.run.dir={tmp_path}/run"]
    typed += [] if name == "pong_elu" else ["video=off"]
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["runner", *typed])  # Hydra reads it
    assert main(typed) == 0
    shown = capsys.readouterr().out
    with (tmp_path / "run" / "metrics.csv").open(newline="") as file:
        games = list(csv.DictReader(file))
    assert any(math.isfinite(float(game["loss"])) for game in games)
    weights = {path.name for path in (tmp_path / "run" / "weights").iterdir()}
    assert {"final.weights.h5", "best.weights.h5"} <= weights
    if "spaceinvaders" in name:
        assert "actions: NOOP FIRE RIGHT LEFT RIGHTFIRE LEFTFIRE" in shown
    assert "Total params" in shown
    if name == "pong_elu":
        assert {f"step_{game['step']}.weights.h5" for game in games} <= weights
        assert list((tmp_path / "run" / "videos").rglob("*.mp4"))
    if name == "breakout_expected_sarsa":
        assert list((tmp_path / "run" / "tensorboard").rglob("events*"))
