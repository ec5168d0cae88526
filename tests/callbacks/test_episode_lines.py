"""``logger.verbose=2``: keras-rl2's line, right for many games at once, and across a resume."""

from __future__ import annotations

import io
import re
from typing import Any

import pytest
from toys import Arcade, OldGym, Tape, compiled_agent

from runner.callbacks.episodes import EpisodeLines
from runner.keras_rl2 import TrainEpisodeLogger

NEVER = 10**9


def without_times(text: str) -> list[str]:
    lines = [line for line in text.splitlines() if "episode:" in line]
    return [re.sub(r"(duration: |per second: )\s*[\d.]+", r"\1", line) for line in lines]


def test_the_line_is_keras_rl2s_own(capsys: pytest.CaptureFixture[str]) -> None:
    ours = io.StringIO()
    game = Tape({3: "terminated", 40: "terminated", 47: "terminated"}, rewards=(0.5, 2.0, -1.0))
    listeners = [TrainEpisodeLogger(), EpisodeLines(50, stream=ours)]
    compiled_agent(Tape, nb_steps_warmup=20).fit(OldGym(game), 50, callbacks=listeners, verbose=0)
    lines = without_times(ours.getvalue())
    assert lines == without_times(capsys.readouterr().out)
    assert len(lines) == 3
    assert "loss: --" in lines[0]
    assert "loss: --" not in lines[1]


def many_games() -> Arcade:
    return Arcade([
        Tape({2: "terminated", 5: "terminated"}, rewards=(1.0, 2.0)),
        Tape({4: "terminated"}, rewards=(5.0,)),
    ])  # fmt: skip


def test_each_of_many_games_has_its_own_line() -> None:
    shown = io.StringIO()
    agent = compiled_agent(Tape, streams=2, nb_steps_warmup=NEVER)
    agent.fit(many_games(), 12, callbacks=[EpisodeLines(12, stream=shown)], verbose=0)
    found = re.findall(
        r"^ +(\d+)/12: episode: (\d+), .*episode steps: +(\d+), .*episode reward: +([\d.]+), "
        r"mean reward: +([\d.]+) ",
        shown.getvalue(),
        re.MULTILINE,
    )
    assert found == [
        ("3", "1", "2", "3.000", "1.500"),
        ("8", "2", "4", "20.000", "5.000"),
        ("9", "3", "3", "4.000", "1.333"),
    ]


def step(stream: int, points: float, *, over: bool = False, loss: float = 0.5) -> dict[str, Any]:
    info = {"game_reward": points, "game_over": over, "frames": 1, "stream": stream}
    return {"info": info, "metrics": [loss, 1.0], "action": stream, "episode": stream}


class Agent:
    metrics_names = ("loss", "mean_q")


def lines_of(stream: io.StringIO, state: dict[str, Any] | None = None) -> EpisodeLines:
    listener = EpisodeLines(100, stream=stream)
    listener.set_model(Agent())
    listener.on_train_begin()
    if state is not None:
        listener.set_state(state)
    return listener


def test_a_resumed_run_prints_what_one_without_a_break_prints() -> None:
    steps = [step(n % 2, float(n), over=n > 9, loss=float(n)) for n in range(12)]
    whole, parts = io.StringIO(), io.StringIO()
    listener = lines_of(whole)
    for logs in steps:
        listener.on_step_end(0, logs)
    first = lines_of(parts)
    for logs in steps[:5]:
        first.on_step_end(0, logs)
    second = lines_of(parts, first.get_state())
    for logs in steps[5:]:
        second.on_step_end(0, logs)
    assert len(without_times(whole.getvalue())) == 2
    assert without_times(parts.getvalue()) == without_times(whole.getvalue())


def test_a_game_whose_beginning_was_not_seen_has_no_line() -> None:
    shown = io.StringIO()
    listener = lines_of(shown)
    listener.join({"step": 70, "running": [[1, 3.0, 12]]})  # of a GameFollower
    listener.on_step_end(0, step(1, 1.0, over=True))
    assert shown.getvalue() == ""
    listener.on_step_end(0, step(1, 2.0, over=True))
    assert "72/100: episode: 2," in shown.getvalue()
    assert "episode reward:  2.000" in shown.getvalue()
