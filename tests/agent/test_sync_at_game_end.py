"""Hard syncs at the end of a game."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from toys import Arcade, OldGym, Tape, compiled_agent


def spied(agent: Any) -> list[int]:
    """Numbers of updates before each sync, without syncs before the first update."""
    syncs: list[int] = []
    made = 0
    update = agent.learner.update

    def spy(batches: Any, due: Any) -> Any:
        nonlocal made
        for i, sync in enumerate(due):
            if sync and made + i:
                syncs.append(made + i)
        made += len(batches.actions)
        return update(batches, due)

    agent.learner.update = spy
    return syncs


def of_games(ends: dict[int, str], interval: int, streams: int | None, nb_steps: int = 100) -> Any:
    """Trains with one update per step from step 21; in our loop, step 20 + n runs update n."""
    agent = compiled_agent(
        Tape, streams=streams, nb_steps_warmup=20, target_model_update=interval,
        target_sync="game_end",
    )  # fmt: skip
    syncs = spied(agent)
    env = Arcade([Tape(ends)]) if streams else OldGym(Tape(ends))
    agent.fit(env, nb_steps, verbose=0)
    return [20 + n for n in syncs]


# Steps at which games end, counted from 1, and the updates after which a sync is due: in
# keras-rl2's loop that of the game's last step (it runs an extra update at every game end), in
# ours that of the next step, the first to see the end.
CASES = [
    # Every game is long enough.
    ({30: "terminated", 60: "truncated", 90: "terminated"}, 25, [29, 60, 91], [30, 60, 90]),
    # 40 - 30 < 25: waits for the end at 60.
    ({30: "terminated", 40: "terminated", 60: "terminated"}, 25, [29, 61], [30, 60]),
    # Always too short.
    ({30: "terminated", 40: "terminated"}, 50, [], []),
]


@pytest.mark.parametrize(("ends", "interval", "old", "ours"), CASES)
def test_syncs_wait_for_the_end_of_a_game(
    ends: dict[int, str], interval: int, old: list[int], ours: list[int]
) -> None:
    assert of_games(ends, interval, streams=1) == ours
    assert of_games(ends, interval, streams=None) == old


def test_a_lost_life_does_not_end_the_game() -> None:
    assert of_games({30: "life_lost", 50: "terminated"}, 25, streams=1) == [50]


def test_the_target_network_is_an_earlier_online_network() -> None:
    agent = compiled_agent(
        Tape, streams=1, nb_steps_warmup=20, target_model_update=25, target_sync="game_end"
    )
    agent.fit(Arcade([Tape({30: "terminated"})]), 31, verbose=0)
    for target, online in zip(agent.target_model.weights, agent.model.weights, strict=True):
        np.testing.assert_array_equal(target.numpy(), online.numpy())
    agent = compiled_agent(
        Tape, streams=1, nb_steps_warmup=20, target_model_update=25, target_sync="game_end"
    )
    agent.fit(Arcade([Tape({30: "terminated"})]), 33, verbose=0)
    assert not np.array_equal(agent.target_model.get_weights()[0], agent.model.get_weights()[0])
