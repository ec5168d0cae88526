"""The emulators alone: random actions, no learning."""

from __future__ import annotations

import itertools

import numpy as np

from benchmarks.sides.answer import answer
from benchmarks.sides.repeated import seconds_per_call
from runner.environments.build import make_games
from runner.environments.pool import EmulatorPool
from runner.settings import compose


def measure(overrides: list[str], seconds: float) -> dict[str, float]:
    """Steps the environments in groups, as in training: the other groups' steps are in progress."""
    config = compose.load(overrides)
    games = make_games(config)
    assert isinstance(games, EmulatorPool)
    try:
        games.reset(seed=0)
        generator = np.random.default_rng(0)
        numbers = range(len(games.groups))

        def begin(number: int) -> None:
            size = len(games.groups[number])
            games.step_async(generator.integers(len(games.action_meanings), size=size), number)

        for number in numbers:
            begin(number)
        turns = itertools.cycle(numbers)

        def turn() -> None:
            number = next(turns)
            games.step_wait(number)
            begin(number)

        steps = games.num_envs / len(games.groups)
        measured = {"steps_per_s": steps / seconds_per_call(turn, seconds, warm=200)}
        for number in itertools.islice(turns, len(numbers)):
            games.step_wait(number)
        return measured
    finally:
        games.close()


if __name__ == "__main__":
    answer(measure)
