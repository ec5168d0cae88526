"""Samples states, with their screens, from games of a trained agent."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from runner.environments.atari import AtariGame
from runner.evaluation import QFunction
from runner.memory.windows import RunningWindows
from runner.report.pages import png
from runner.settings.schema import Config

EVERY = 4  # steps between sampled states: adjacent states are redundant


@dataclass(frozen=True)
class Sample:
    """States from the agent's games.

    Attributes:
        windows: (N, window, *observation) uint8, the network's inputs.
        q_values: (N, nb_actions) float32.
        screens: N PNG files of the game's screen.
        actions: Names of the actions.
        games: Number of games.
    """

    windows: NDArray[np.uint8]
    q_values: NDArray[np.float32]
    screens: list[bytes]
    actions: list[str]
    games: int

    @property
    def gaps(self) -> NDArray[np.float32]:
        """(N,): Q of the best action minus Q of the worst."""
        return np.asarray(np.ptp(self.q_values, axis=-1))


def draw_sample(
    q_values: QFunction, config: Config, *, states: int, seed: int, tell: Callable[[int], None]
) -> Sample:
    """Plays epsilon-greedily with ``eval.epsilon``, and keeps every ``EVERY``-th state.

    Args:
        q_values: (B, window, *observation) uint8 -> (B, nb_actions).
        config: Rules, observation and epsilon.
        states: N, the number of states.
        seed: Seed of the games and of the random actions.
        tell: Called with the number of states so far.
    """
    game = AtariGame(config.env.whole_games(), config.obs)
    generator = np.random.default_rng(seed)
    observation, _ = game.reset(seed=seed)
    windows = RunningWindows(1, config.obs.window, observation.shape, config.obs.padding)
    windows.push(slice(None), observation[None], True)
    kept: list[tuple[NDArray[np.uint8], NDArray[np.float32], bytes]] = []
    games, step = 1, 0
    while len(kept) < states:
        q = q_values(windows.states)[0]
        if step % EVERY == 0:
            kept.append((windows.states[0].copy(), q, png(game.render())))
            tell(len(kept))
        explores = generator.random() < config.eval.epsilon
        action = int(generator.integers(len(q))) if explores else int(q.argmax())
        observation, _, terminated, truncated, _ = game.step(action)
        ended = terminated or truncated
        if ended:
            observation, _ = game.reset()
            games += 1
        windows.push(slice(None), observation[None], np.array([ended]))
        step += 1
    seen, values, screens = zip(*kept, strict=True)
    actions = game.action_meanings()
    return Sample(np.array(seen), np.array(values, np.float32), list(screens), actions, games)
