"""Epsilon by step, also after a resume."""

from __future__ import annotations

from typing import Any

import pytest
from toys import Arcade, OldGym, Tape, compiled_agent, small_agent

from runner.callbacks.control import StartAtStep, StopWhenAsked
from runner.keras_rl2 import Callback, DQNAgent, EpsGreedyQPolicy, LinearAnnealedPolicy

NEVER = 10**9


class Annealed(LinearAnnealedPolicy):
    """Records epsilon of the chosen action by agent step."""

    def __init__(self) -> None:
        super().__init__(EpsGreedyQPolicy(), "eps", 1.0, 0.1, 0.05, nb_steps=90)
        self.by_step: dict[int, float] = {}

    def select_action(self, **state: Any) -> int:
        action = super().select_action(**state)
        self.by_step.setdefault(int(self.agent.step), self.inner_policy.eps)
        return int(action)


annealed = Annealed


def stock_agent() -> tuple[Any, Any]:
    return small_agent(DQNAgent, Tape, policy=annealed(), nb_steps_warmup=NEVER), OldGym(Tape({}))


def compiled_on_one_game() -> tuple[Any, Any]:
    return compiled_agent(Tape, policy=annealed(), nb_steps_warmup=NEVER), OldGym(Tape({}))


def compiled_on_many_games() -> tuple[Any, Any]:
    agent = compiled_agent(Tape, policy=annealed(), nb_steps_warmup=NEVER, streams=3)
    return agent, Arcade([Tape({}) for _ in range(3)])


every_loop = pytest.mark.parametrize(
    "make", [stock_agent, compiled_on_one_game, compiled_on_many_games]
)


@every_loop
def test_epsilon_falls_linearly_with_the_steps(make: Any) -> None:
    agent, env = make()
    agent.fit(env, 120, verbose=0)
    assert list(agent.policy.by_step) == list(range(120))
    expected = {0: 1.0, 1: 0.99, 30: 0.7, 45: 0.55, 89: 0.11, 90: 0.1, 91: 0.1, 119: 0.1}
    assert {step: agent.policy.by_step[step] for step in expected} == pytest.approx(expected)


@every_loop
def test_a_resumed_run_continues_the_schedule(make: Any) -> None:
    agent, env = make()
    agent.fit(env, 60, callbacks=[StartAtStep(30)], verbose=0)
    assert list(agent.policy.by_step) == list(range(30, 60))
    assert agent.policy.by_step[30] == pytest.approx(0.7)
    assert agent.policy.by_step[59] == pytest.approx(0.41)
    assert agent.step == 60


def test_testing_uses_the_test_policy() -> None:
    agent, _ = compiled_on_one_game()
    agent.test_policy = annealed()
    seen: list[float] = []

    class Watch(Callback):
        def on_action_begin(self, action: Any, logs: Any = None) -> None:
            seen.append(self.model.test_policy.inner_policy.eps)

    env = OldGym(Tape({5: "terminated"}))
    agent.test(env, nb_episodes=1, callbacks=[Watch()], visualize=False, verbose=0)
    assert seen == [0.05] * 5


def test_keras_rl2s_loop_can_be_stopped() -> None:
    class Ask(Callback):
        def on_step_end(self, step: int, logs: Any = None) -> None:
            if step == 6:
                self.model.stop_training = True

    agent, env = stock_agent()
    agent.fit(env, 100, callbacks=[Ask(), StopWhenAsked()], verbose=0)
    assert agent.step == 6  # the seventh step was played but not counted
