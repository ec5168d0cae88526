"""Human-normalised scores."""

from __future__ import annotations

import pytest

from runner.scores import human_normalised, published
from runner.settings.games import all_games


def reference(game):
    return tuple(published()[name].scores[game] for name in ("random", "human"))


def test_the_57_games_exist_in_ale():
    assert len(published()["human"].scores) == 57
    assert set(published()["human"].scores) == set(published()["random"].scores)
    for agent in published().values():
        assert set(agent.scores) <= set(all_games())


@pytest.mark.parametrize("game", sorted(published()["human"].scores))
def test_human_normalised_scores(game):
    random, human = reference(game)
    assert human_normalised(game, random) == 0
    assert human_normalised(game, human) == 1
    assert human_normalised(game, 2 * human - random) == pytest.approx(2)


@pytest.mark.parametrize(
    ("game", "random", "human"),
    [  # Wang et al. 2016, table 2
        ("breakout", 1.7, 30.5),
        ("pong", -20.7, 14.6),
        ("space_invaders", 148.0, 1668.7),
    ],
)
def test_scores_are_the_published_ones(game, random, human):
    assert reference(game) == (random, human)


def test_a_game_without_published_scores_has_none():
    assert human_normalised("tetris", 100.0) is None
    assert "tetris" in all_games()


def test_every_published_score_has_its_source_and_rules():
    for name, agent in published().items():
        assert agent.scores, name
        assert len(agent.source) > 20, name
        assert agent.rules, name
        assert (agent.frames is None) == (name in ("random", "human")), name
