"""What is written down and shown of a training."""

from __future__ import annotations

import csv
import io
import math
from pathlib import Path
from typing import Any

import pytest
from toys import Arcade, OldGym, Tape, compiled_agent, small_agent

from runner.callbacks.control import StopAfterMinutes
from runner.callbacks.games import Game, GameFollower
from runner.callbacks.metrics import COLUMNS, MetricsFile
from runner.callbacks.progress import Progress, duration
from runner.keras_rl2 import DQNAgent, EpsGreedyQPolicy, LinearAnnealedPolicy, Processor

NEVER = 10**9


class Games(GameFollower):
    def __init__(self, start_step: int = 0) -> None:
        super().__init__(start_step)
        self.seen: list[Game] = []

    def on_game_end(self, game: Game) -> None:
        self.seen.append(game)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class NoReward(Processor):
    def process_reward(self, reward: float) -> float:
        return 0.0


def test_games_of_the_loop_over_many() -> None:
    env = Arcade([
        Tape({2: "terminated", 5: "truncated"}, rewards=(1.0, 2.0)),
        Tape({3: "life_lost", 4: "terminated"}, rewards=(5.0,)),
    ])  # fmt: skip
    agent = compiled_agent(Tape, streams=2, nb_steps_warmup=NEVER, processor=NoReward())
    follower = Games(start_step=100)
    agent.fit(env, 12, callbacks=[follower], verbose=0)
    assert follower.seen == [
        Game(step=103, frames=3, points=3.0, length=2),
        Game(step=108, frames=8, points=20.0, length=4),  # a lost life ends no game
        Game(step=109, frames=9, points=4.0, length=3),
    ]
    assert follower.mean_return == 9.0


@pytest.mark.parametrize(
    "make", [lambda **k: small_agent(DQNAgent, Tape, **k), lambda **k: compiled_agent(Tape, **k)]
)
def test_games_of_keras_rl2s_own_loop(make: Any) -> None:
    env = OldGym(Tape({2: "terminated", 5: "terminated"}, rewards=(1.0, 2.0)))
    follower = Games()
    make(nb_steps_warmup=NEVER, processor=NoReward()).fit(env, 6, callbacks=[follower], verbose=0)
    assert follower.seen == [
        Game(step=2, frames=2, points=3.0, length=2),
        Game(step=5, frames=5, points=4.0, length=3),
    ]


def test_averages_are_over_the_updates_since_the_last() -> None:
    follower = GameFollower()
    info = {"game_reward": 0.0, "game_over": False, "frames": 4, "stream": 0}
    for metrics in ([math.nan] * 2, [1.0, 10.0], [math.nan] * 2, [3.0, 20.0]):
        follower.on_step_end(0, {"info": info, "metrics": metrics})
    assert follower.averages() == (2.0, 15.0)
    assert all(math.isnan(value) for value in follower.averages())
    assert (follower.step, follower.frames) == (4, 16)


def test_mean_return_is_of_the_last_hundred_games() -> None:
    follower = GameFollower()
    assert math.isnan(follower.mean_return)
    for points in range(150):
        info = {"game_reward": float(points), "game_over": True, "frames": 1, "stream": 0}
        follower.on_step_end(0, {"info": info, "metrics": [math.nan]})
    assert follower.mean_return == sum(range(50, 150)) / 100


def annealed() -> LinearAnnealedPolicy:
    return LinearAnnealedPolicy(EpsGreedyQPolicy(), "eps", 1.0, 0.0, 0.0, nb_steps=100)


def test_metrics_file(tmp_path: Path) -> None:
    path = tmp_path / "metrics.csv"
    env = OldGym(Tape({10: "terminated", 40: "terminated"}, rewards=(0.5,)))
    agent = compiled_agent(Tape, policy=annealed(), nb_steps_warmup=20)
    agent.fit(env, 50, callbacks=[MetricsFile(path)], verbose=0)
    with path.open(newline="") as file:
        first, second = csv.DictReader(file)
    assert tuple(first) == COLUMNS
    kept = ("step", "frames", "episode_return", "episode_length", "epsilon")
    assert [first[key] for key in kept] == ["10", "10", "5", "10", "0.91"]
    assert [second[key] for key in kept] == ["40", "40", "15", "30", "0.61"]
    assert first["loss"] == first["mean_q"] == "nan"  # still warming up
    assert float(second["loss"]) > 0
    assert math.isfinite(float(second["mean_q"]))
    assert 0 <= float(first["wall_time"]) <= float(second["wall_time"])


def test_metrics_file_never_overwrites(tmp_path: Path) -> None:
    path = tmp_path / "metrics.csv"
    path.write_text("precious\n")
    compiled_agent(Tape).fit(OldGym(Tape({})), 5, callbacks=[MetricsFile(path)], verbose=0)
    assert path.read_text().startswith("precious\n")


def test_progress_off_a_terminal_is_dated_lines() -> None:
    stream = io.StringIO()
    env = OldGym(Tape({10: "terminated"}, rewards=(0.5,)))
    agent = compiled_agent(Tape, policy=annealed(), nb_steps_warmup=20)
    agent.fit(env, 64, callbacks=[Progress(64, 1e-9, stream=stream)], verbose=0)
    lines = stream.getvalue().splitlines()
    assert len(lines) == 64 // 16 + 1  # it looks at the clock every 16 steps, and ends with a line
    assert "| return 5.0 | eps 0.850 | loss -" in lines[0]
    for text in ("64/64 steps | 100% |", "ETA 0:00", "eps 0.370"):
        assert text in lines[-1]
    assert "loss -" not in lines[-1]
    assert "\r" not in stream.getvalue()


def test_progress_on_a_terminal_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    stream = Terminal()
    agent = compiled_agent(Tape, nb_steps_warmup=NEVER)
    agent.fit(OldGym(Tape({})), 50, callbacks=[Progress(50, 30.0, stream=stream)], verbose=0)
    shown = stream.getvalue()
    assert shown.count("\n") == 1
    assert shown.endswith("\n")
    assert all(len(line) < 40 for line in shown[:-1].split("\r\x1b[2K"))


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (0, "0:00"), (59.4, "0:59"), (59.6, "1:00"), (75, "1:15"), (3599, "59:59"),
        (3700, "1:01:40"), (360_000, "100:00:00"), (math.inf, "-"), (math.nan, "-"),
    ],
)  # fmt: skip
def test_duration(seconds: float, shown: str) -> None:
    assert duration(seconds) == shown


# --- when a training ends by the clock ---------------------------------------------------------


class Clock:
    """Every look at it comes a second after the last."""

    def __init__(self) -> None:
        self.now = 0.0

    def perf_counter(self) -> float:
        self.now += 1.0
        return self.now


def test_a_training_ends_after_its_minutes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("runner.callbacks.control.time", Clock())
    env = Arcade([Tape({}), Tape({})])
    agent = compiled_agent(Tape, streams=2)
    agent.fit(env, 10_000, callbacks=[StopAfterMinutes(0.25)], verbose=0)
    assert agent.step == 15 * 16  # looked at every 16 steps, for 15 seconds


@pytest.mark.parametrize(("before", "is_over"), [(10.0, False), (15.0, True)])
def test_the_minutes_before_a_resume_count(
    before: float, is_over: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("runner.callbacks.control.time", Clock())
    agent, callback = compiled_agent(Tape), StopAfterMinutes(0.25)
    callback.set_model(agent)
    callback.on_train_begin()
    callback.set_state({"seconds": before})
    assert agent.stop_training is is_over


def test_the_time_to_go_is_what_ends_first() -> None:
    progress = Progress(1000, 30.0, seconds_left=lambda: 65.0)
    progress.set_model(compiled_agent(Tape))
    progress.on_train_begin()
    assert "ETA 1:05" in progress.line(progress._began + 1.0)
