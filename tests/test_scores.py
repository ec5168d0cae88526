"""Human-normalised scores."""

from __future__ import annotations

import pytest

from runner.scores import human_normalised, reference_scores
from runner.settings.games import all_games


def test_the_57_games_of_the_table_are_ales():
    assert len(reference_scores()) == 57
    assert set(reference_scores()) <= set(all_games())


@pytest.mark.parametrize("game", sorted(reference_scores()))
def test_random_play_is_0_and_a_human_1(game):
    random, human = reference_scores()[game]
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
    assert reference_scores()[game] == (random, human)


def test_a_game_without_published_scores_has_none():
    assert human_normalised("tetris", 100.0) is None
    assert "tetris" in all_games()
