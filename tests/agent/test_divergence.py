"""Diverging training ends in one line, for every agent, loop and policy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from toys import Arcade, OldGym, Tape, compiled_agent, small_agent

from runner.errors import RunError
from runner.keras_rl2 import BoltzmannQPolicy, DQNAgent, EpsGreedyQPolicy, Policy
from runner.policies.rules import SoftmaxQPolicy

DIVERGES = {"learning_rate": 1e30, "nb_steps_warmup": 20}


def stock(**settings: Any) -> tuple[Any, Any]:
    return small_agent(DQNAgent, Tape, **settings), OldGym(Tape({}))


def compiled_on_one_game(**settings: Any) -> tuple[Any, Any]:
    return compiled_agent(Tape, **settings), OldGym(Tape({}))


def compiled_on_many_games(**settings: Any) -> tuple[Any, Any]:
    return compiled_agent(Tape, streams=2, **settings), Arcade([Tape({}), Tape({})])


@pytest.mark.parametrize("policy", [EpsGreedyQPolicy, BoltzmannQPolicy, SoftmaxQPolicy])
@pytest.mark.parametrize("make", [stock, compiled_on_one_game, compiled_on_many_games])
def test_a_diverging_training(make: Callable[..., Any], policy: type[Policy]) -> None:
    agent, env = make(policy=policy(), **DIVERGES)
    with pytest.raises(RunError, match=r"diverged.*agent\.learning_rate") as error:
        agent.fit(env, 200, verbose=0)
    assert len(str(error.value).splitlines()) == 1
    assert agent.step < 100
