"""``logger.verbose=2``: keras-rl2's line, correct for parallel environments and across a resume."""

from __future__ import annotations

import io
import re
from types import SimpleNamespace
from typing import Any

import pytest
from toys import Arcade, OldGym, Tape, compiled_agent

from runner.callbacks.episodes import EpisodeLines
from runner.callbacks.games import Story
from runner.keras_rl2 import TrainEpisodeLogger

NEVER = 10**9


def without_times(text: str) -> list[str]:
    lines = [line for line in text.splitlines() if "episode:" in line]
    return [re.sub(r"(duration: |per second: )\s*[\d.]+", r"\1", line) for line in lines]


def test_the_annealing_matches_keras_rl2(capsys: pytest.CaptureFixture[str]) -> None:
    ours = io.StringIO()
    game = Tape({3: "terminated", 40: "terminated", 47: "terminated"}, rewards=(0.5, 2.0, -1.0))
    story = Story()
    listeners = [TrainEpisodeLogger(), story, EpisodeLines(50, story, ours)]
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
    story = Story()
    agent.fit(many_games(), 12, callbacks=[story, EpisodeLines(12, story, shown)], verbose=0)
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


class Lines:
    """Episode lines of a training simulated step by step."""

    def __init__(self, shown: io.StringIO, step: int = 0, state: Any = None) -> None:
        agent = SimpleNamespace(metrics_names=("loss", "mean_q"), step=step)
        self.story = Story()
        self.listener = EpisodeLines(100, self.story, shown)
        for callback in (self.story, self.listener):
            callback.set_model(agent)
        if state is not None:
            self.listener.set_state(state)
        for callback in (self.story, self.listener):
            callback.on_train_begin()

    def tell(self, stream: int, points: float, in_game: int, *, over: bool, loss: float) -> None:
        info: dict[str, Any] = {"game_reward": points, "game_over": over, "frames": 1}
        info |= {"stream": stream, "episode_return": 0.0, "episode_length": 1}
        logs = {"info": info, "metrics": [loss, 1.0], "action": stream, "episode": stream}
        for callback in (self.story, self.listener):
            callback.on_step_end(in_game, logs)
        self.story.model.step += 1


def test_a_resumed_run_prints_like_an_uninterrupted_one() -> None:
    steps = [
        {"stream": n % 2, "points": float(n), "in_game": n // 2, "over": n > 9, "loss": float(n)}
        for n in range(12)
    ]
    whole, parts = io.StringIO(), io.StringIO()
    lines = Lines(whole)
    for told in steps:
        lines.tell(**told)
    first = Lines(parts)
    for told in steps[:5]:
        first.tell(**told)
    second = Lines(parts, step=5, state=first.listener.get_state())
    for told in steps[5:]:
        second.tell(**told)
    assert len(without_times(whole.getvalue())) == 2
    assert without_times(parts.getvalue()) == without_times(whole.getvalue())


def test_a_game_joined_midway_has_no_line() -> None:
    shown = io.StringIO()
    lines = Lines(shown, step=70)
    lines.tell(1, 1.0, in_game=12, over=True, loss=0.5)
    assert shown.getvalue() == ""
    lines.tell(1, 2.0, in_game=0, over=True, loss=0.5)
    assert "72/100: episode: 2," in shown.getvalue()
    assert "episode reward:  2.000" in shown.getvalue()
