"""Recorded and displayed training data."""

from __future__ import annotations

import csv
import io
import math
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from toys import Arcade, OldGym, Tape, compiled_agent, small_agent

from runner.callbacks.control import StartAtStep, StopEarly, StopWhenAsked
from runner.callbacks.games import Game, Story
from runner.callbacks.metrics import COLUMNS, MetricsFile
from runner.callbacks.progress import Progress, duration
from runner.callbacks.tables import Table
from runner.keras_rl2 import DQNAgent, EpsGreedyQPolicy, LinearAnnealedPolicy, Processor

NEVER = 10**9


def told(agent: Any, env: Any, nb_steps: int, *before: Any) -> tuple[list[Game], Story]:
    """The games that a Story reports during training, and the Story."""
    games: list[Game] = []
    story = Story()
    story.listeners.append(games.append)
    agent.fit(env, nb_steps, callbacks=[*before, story], verbose=0)
    return games, story


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class NoReward(Processor):
    def process_reward(self, reward: float) -> float:
        return 0.0


def test_games_in_the_vector_loop() -> None:
    env = Arcade([
        Tape({2: "terminated", 5: "truncated"}, rewards=(1.0, 2.0)),
        Tape({3: "life_lost", 4: "terminated"}, rewards=(5.0,)),
    ])  # fmt: skip
    agent = compiled_agent(Tape, streams=2, nb_steps_warmup=NEVER, processor=NoReward())
    games, story = told(agent, env, 112, StartAtStep(100))
    assert games == [
        Game(step=103, frames=3, points=3.0, length=2),
        Game(step=108, frames=8, points=20.0, length=4),  # a lost life does not end the game
        Game(step=109, frames=9, points=4.0, length=3),
    ]
    assert (story.mean_return, story.nb_games, story.first_step, story.step) == (9.0, 3, 100, 112)


@pytest.mark.parametrize(
    "make", [lambda **k: small_agent(DQNAgent, Tape, **k), lambda **k: compiled_agent(Tape, **k)]
)
def test_games_in_keras_rl2s_loop(make: Any) -> None:
    env = OldGym(Tape({2: "terminated", 5: "terminated"}, rewards=(1.0, 2.0)))
    agent = make(nb_steps_warmup=NEVER, processor=NoReward())
    games, _ = told(agent, env, 26, StartAtStep(20))
    assert games == [
        Game(step=22, frames=2, points=3.0, length=2),
        Game(step=25, frames=5, points=4.0, length=3),
    ]


def story_of(*steps: tuple[list[float], float | None]) -> Story:
    """The Story of steps with these metrics and, where a game ends, its return."""
    story = Story()
    story.set_model(SimpleNamespace(step=-1))
    for metrics, points in steps:
        step(story, metrics, points)
    return story


def step(story: Story, metrics: list[float], points: float | None = None) -> None:
    info: dict[str, Any] = {"game_over": points is not None, "frames": 4}
    info |= {"episode_return": points, "episode_length": 1}
    story.model.step += 1
    story.on_step_end(0, {"info": info, "metrics": metrics})


def test_averages_cover_the_updates_since_the_last_line() -> None:
    story = story_of()
    one, other = story.averages(), story.averages()
    for metrics in ([math.nan] * 2, [1.0, 10.0], [math.nan] * 2, [3.0, 20.0]):
        step(story, metrics)
    assert one.take() == (2.0, 15.0)
    assert all(math.isnan(value) for value in one.take())
    step(story, [5.0, 30.0])
    assert (one.take(), other.take()) == ((5.0, 30.0), (3.0, 20.0))
    assert (story.step, story.frames) == (5, 20)


def test_mean_return_is_of_the_last_hundred_games() -> None:
    assert math.isnan(story_of().mean_return)
    story = story_of(*(([math.nan], float(points)) for points in range(150)))
    assert story.mean_return == sum(range(50, 150)) / 100


def test_a_restored_story_continues() -> None:
    whole = story_of(([1.0, 1.0], None), ([1.0, 1.0], 5.0), ([1.0, 1.0], 7.0))
    first = story_of(([1.0, 1.0], None), ([1.0, 1.0], 5.0))
    first.on_train_begin()
    second = Story()
    second.set_model(first.model)
    second.model.step = 2  # as in a restored agent
    for _ in range(2):  # as after a partially restored checkpoint
        second.set_state(first.get_state())
    assert (second.step, second.first_step) == (2, 2)
    second.model.step = 1
    step(second, [1.0, 1.0], 7.0)
    for name in ("step", "frames", "nb_games", "mean_return"):
        assert getattr(second, name) == getattr(whole, name)


def annealed() -> LinearAnnealedPolicy:
    return LinearAnnealedPolicy(EpsGreedyQPolicy(), "eps", 1.0, 0.0, 0.0, nb_steps=100)


def test_metrics_file(tmp_path: Path) -> None:
    path = tmp_path / "metrics.csv"
    env = OldGym(Tape({10: "terminated", 40: "terminated"}, rewards=(0.5,)))
    agent = compiled_agent(Tape, policy=annealed(), nb_steps_warmup=20)
    agent.fit(env, 50, callbacks=[story := Story(), MetricsFile(path, story)], verbose=0)
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


def test_a_score_of_seven_digits_is_written_in_full(tmp_path: Path) -> None:
    env = OldGym(Tape({2: "terminated"}, rewards=(617_283.5,)))
    agent = compiled_agent(Tape, nb_steps_warmup=NEVER)
    path = tmp_path / "metrics.csv"
    agent.fit(env, 4, callbacks=[story := Story(), MetricsFile(path, story)], verbose=0)
    with path.open(newline="") as file:
        assert [row["episode_return"] for row in csv.DictReader(file)] == ["1234567"]


def test_metrics_file_never_overwrites(tmp_path: Path) -> None:
    path = tmp_path / "metrics.csv"
    path.write_text("precious\n")
    compiled_agent(Tape).fit(
        OldGym(Tape({})), 5, callbacks=[story := Story(), MetricsFile(path, story)], verbose=0
    )
    assert path.read_text().startswith("precious\n")


def test_progress_off_a_terminal_is_dated_lines() -> None:
    stream = io.StringIO()
    env = OldGym(Tape({10: "terminated"}, rewards=(0.5,)))
    agent = compiled_agent(Tape, policy=annealed(), nb_steps_warmup=20)
    agent.fit(
        env, 64, callbacks=[story := Story(), Progress(64, 1e-9, story, stream=stream)], verbose=0
    )
    lines = stream.getvalue().splitlines()
    assert len(lines) == 64 // 16 + 1  # reads the clock every 16 steps; a final line
    assert "| return 5.0 | eps 0.850 | loss -" in lines[0]
    for text in ("64/64 steps | 100% |", "ETA 0:00", "eps 0.370"):
        assert text in lines[-1]
    assert "loss -" not in lines[-1]
    assert "\r" not in stream.getvalue()


def test_progress_on_a_terminal_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    stream = Terminal()
    agent = compiled_agent(Tape, nb_steps_warmup=NEVER)
    agent.fit(
        OldGym(Tape({})),
        50,
        callbacks=[story := Story(), Progress(50, 30.0, story, stream=stream)],
        verbose=0,
    )
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


# --- time limits -----------------------------------------------------------------------


class Clock:
    """A clock that advances one second per reading."""

    def __init__(self) -> None:
        self.now = 0.0

    def perf_counter(self) -> float:
        self.now += 1.0
        return self.now


def stopping(story: Story, games: int | None = None, minutes: float | None = None) -> list[Any]:
    return [story, StopEarly(story, games, minutes)]


def test_training_ends_after_the_given_minutes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("runner.callbacks.games.time", Clock())
    env = Arcade([Tape({}), Tape({})])
    agent = compiled_agent(Tape, streams=2)
    agent.fit(env, 10_000, callbacks=stopping(Story(), minutes=0.25), verbose=0)
    assert agent.step == 14 * 16  # reads the clock at the start and every 16 steps, for 15 s


def test_training_ends_after_the_given_games() -> None:
    env = OldGym(Tape({10: "terminated", 25: "terminated", 40: "terminated"}))
    agent = compiled_agent(Tape)
    story = Story()
    callbacks = [*stopping(story, games=2), StopWhenAsked()]
    agent.fit(env, 10_000, callbacks=callbacks, verbose=0)
    assert (story.nb_games, story.step) == (2, 25)


@pytest.mark.parametrize(
    ("limits", "is_over"),
    [
        ({"minutes": 0.25}, False), ({"minutes": 0.1}, True), ({"games": 4}, False),
        ({"games": 3}, True),
    ],
)  # fmt: skip
def test_games_before_a_resume_count(limits: dict[str, Any], is_over: bool) -> None:
    agent, story = compiled_agent(Tape), Story()
    callbacks = stopping(story, **limits)
    for callback in callbacks:
        callback.set_model(agent)
    story.set_state({"seconds": 10.0, "frames": 0, "nb_games": 3, "recent_returns": []})
    for callback in callbacks:
        callback.on_train_begin()
    assert agent.stop_training is is_over


def test_the_eta_is_the_earliest_limit() -> None:
    progress = Progress(1000, 30.0, story := Story(), seconds_left=lambda: 65.0)
    for callback in (story, progress):
        callback.set_model(compiled_agent(Tape))
        callback.on_train_begin()
    assert "ETA 1:05" in progress.line(progress._began + 1.0)


# --- tables of a resumed run ---------------------------------------------------------------


def table(path: Path, state: int | None = None) -> Table:
    begun = Table(path)
    if state is not None:
        begun.set_state(state)
    begun.begin(["a", "b"])
    return begun


def test_lines_after_the_checkpoint_are_cut_off(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    first = table(path)
    first.add([1, 2])
    state = first.get_state()
    first.add([3, 4])
    second = Table(path)
    second.set_state(state)
    assert path.read_text() == "a,b\n1,2\n3,4\n"  # unchanged until training begins
    second.begin(["a", "b"])
    second.add([5, 6])
    assert path.read_text() == "a,b\n1,2\n5,6\n"


@pytest.mark.parametrize("cut", [0, 3, 4, 7, 9])
def test_a_truncated_table_is_reported_and_not_padded(
    cut: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "t.csv"
    first = table(path)
    first.add([1, 2])
    first.add([3, 4])
    state, content = first.get_state(), path.read_bytes()
    path.write_bytes(content[:cut])
    table(path, state).add([5, 6])
    kept = content[:cut].rpartition(b"\n")[0]
    whole = [*(kept or b"a,b").decode().split("\n"), "5,6"]
    assert path.read_text().splitlines() == whole
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"warning: {path} is shorter than at the checkpoint")
