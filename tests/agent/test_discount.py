"""A discount that increases during training."""

from __future__ import annotations

from typing import Any

import pytest
from toys import Arcade, OldGym, Tape, compiled_agent

from runner.agent.discount import RisingDiscount
from runner.memory.replay import ReplayMemory


@pytest.mark.parametrize(
    ("start", "end", "steps", "values"),
    [
        # 1 / (1 - discount): 10, 20, 40, and the midpoints in between.
        (0.9, 0.975, 2, [0.9, 0.95, 0.975, 0.975]),
        (0.9, 0.975, 4, [0.9, 1 - 0.1 / 2**0.5, 0.95, 1 - 0.05 / 2**0.5, 0.975]),
        (0.9, 0.99, 1, [0.9, 0.99, 0.99]),
        (0.0, 0.75, 2, [0.0, 0.5, 0.75]),
        (0.9, 0.9, 3, [0.9, 0.9, 0.9, 0.9]),
    ],
)
def test_the_effective_horizon_grows_geometrically(
    start: float, end: float, steps: int, values: list[float]
) -> None:
    discount = RisingDiscount(start, end, steps)
    assert [discount(step) for step in range(len(values))] == pytest.approx(values)


@pytest.mark.parametrize("games", [1, 3])
def test_returns_and_updates_use_the_discount_of_their_step(
    games: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def discount(step: int) -> float:
        return step / 100

    memory = ReplayMemory(300, 1, Tape.SHAPE, streams=games, seed=0, n_step=2, gamma=0.99)
    agent = compiled_agent(
        Tape, memory=memory, gamma=0.99, discount=discount, nb_steps_warmup=10, train_interval=games
    )
    drawn, learned = [], []
    sample_batches, update = memory.sample_batches, agent.learner.update

    def sample(*args: Any) -> Any:
        drawn.append(memory.gamma)
        return sample_batches(*args)

    def learn(*args: Any) -> Any:
        learned.append(agent.learner.gamma)
        return update(*args)

    monkeypatch.setattr(memory, "sample_batches", sample)
    monkeypatch.setattr(agent.learner, "update", learn)
    env = OldGym(Tape({})) if games == 1 else Arcade([Tape({}) for _ in range(games)])
    agent.fit(env, 30, verbose=0)
    # A turn chooses its actions, then runs its updates: at the step of its last action.
    last = [step for step in range(30) if step % games == games - 1 and step > 11]
    assert drawn == learned == [discount(step) for step in (last if games == 3 else range(11, 30))]
