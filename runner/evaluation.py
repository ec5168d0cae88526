"""Evaluation on full games: epsilon-greedy, unclipped scores, lives and step limits ignored."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from runner.durations import duration
from runner.environments.pool import EmulatorPool, game_seeds
from runner.environments.worker import REST
from runner.live_line import LiveLine
from runner.memory.windows import RunningWindows
from runner.scores import human_normalised, interval_of_mean
from runner.settings.schema import Config, EnvConfig
from runner.video.replay import Recording

MAX_GAMES_AT_ONCE = 16
BINS = 10  # of the histogram of scores
SHOWN_EVERY = 10.0  # seconds between progress lines if the output is not a terminal

_Game = tuple[float, int]  # points and steps
QFunction = Callable[[NDArray[np.uint8]], NDArray[np.float32]]


@dataclass(frozen=True)
class Evaluation:
    """Result of an evaluation; ``str`` gives one line."""

    episodes: int
    epsilon: float
    mean: float
    interval: tuple[float, float] | None  # 95 % interval of the mean; None for one game
    std: float  # of the population, like the variance
    variance: float
    min: float
    max: float
    histogram: dict[str, list[float]]  # ``edges`` of equal bins from min to max, and ``counts``
    human_normalised: float | None  # None for a game without a published human score
    returns: list[float]  # the score of every game
    lengths: list[int]  # steps
    seconds: float

    def __str__(self) -> str:
        sure = ""
        if self.interval:
            low, high = self.interval
            sure = f" (95 %: {low:.1f} to {high:.1f})" if low < high else " (all games identical)"
        text = (
            f"{self.episodes} games, epsilon {self.epsilon:g}: mean {self.mean:.1f}{sure}, "
            f"std {self.std:.1f}, min {self.min:g}, max {self.max:g}"
        )
        if self.human_normalised is not None:
            text += f", human-normalised {self.human_normalised:.3f}"
        return f"{text} ({self.seconds:.0f} s)"


def evaluate(
    q_values: QFunction,
    config: Config,
    *,
    seed: int,
    stopped: Callable[[], bool] = lambda: False,
    best_game: Callable[[Recording], None] | None = None,
) -> Evaluation | None:
    """Plays ``config.eval.episodes`` games.

    Each emulator plays a fixed number of games, so that short games are not over-represented. Long
    evaluations show their progress.

    Args:
        q_values: (B, window, *observation) uint8 -> (B, nb_actions).
        config: The run's settings; lives and ``env.max_steps`` are always ignored.
        seed: Seed of the emulators and of the random actions.
        stopped: Called at every step; true ends the games.
        best_game: Called with a recording of the first game with the highest score.

    Returns:
        The result; None if stopped.
    """
    began = time.perf_counter()
    episodes, epsilon = config.eval.episodes, config.eval.epsilon
    num_envs = min(episodes, MAX_GAMES_AT_ONCE)
    rules = config.env.whole_games()
    generator = np.random.default_rng(seed)
    to_play = [episodes // num_envs + (i < episodes % num_envs) for i in range(num_envs)]
    games: list[list[_Game]] = [[] for _ in range(num_envs)]
    taken: list[NDArray[np.int32]] = []  # (num_envs,) actions of every step
    pool, line = EmulatorPool(rules, config.obs, num_envs), LiveLine(sys.stdout, SHOWN_EVERY)
    try:
        seeds = game_seeds(seed, num_envs)
        observations, _ = pool.reset(seed=seeds)
        shape = pool.single_observation_space.shape
        assert shape is not None
        windows = RunningWindows(num_envs, config.obs.window, shape, config.obs.padding)
        windows.push(slice(None), observations, True)
        playing = np.ones(num_envs, np.bool_)
        while playing.any():
            if stopped():
                return None
            if line.is_due(now := time.perf_counter()):
                line.show(_progress(games, episodes, now - began), now)
            actions = q_values(windows.states).argmax(axis=-1)
            explores = generator.random(num_envs) < epsilon
            at_random = generator.integers(len(pool.action_meanings), size=num_envs)
            actions = np.where(explores, at_random, actions)
            taken.append(actions.astype(np.int32))
            outcome = pool.step(np.where(playing, actions, REST))
            observations, _, terminated, truncated, infos = outcome
            ended = (terminated | truncated) & playing
            for i in np.flatnonzero(ended):
                game = float(infos["episode_return"][i]), int(infos["episode_length"][i])
                games[i].append(game)
                playing[i] = len(games[i]) < to_play[i]
            windows.push(slice(None), observations, ended)
    finally:
        pool.close()
        line.clear()
    if best_game is not None:
        best_game(_best(rules, seeds, games, np.array(taken)))
    points = np.array([score for stream in games for score, _ in stream])
    counts, edges = np.histogram(points, BINS if points.max() > points.min() else 1)
    mean, std = float(points.mean()), float(points.std())
    return Evaluation(
        episodes=episodes,
        epsilon=epsilon,
        mean=mean,
        interval=interval_of_mean(mean, std, episodes),
        std=std,
        variance=float(points.var()),
        min=float(points.min()),
        max=float(points.max()),
        histogram={"edges": edges.tolist(), "counts": counts.tolist()},
        human_normalised=human_normalised(config.env.game, mean),
        returns=points.tolist(),
        lengths=[length for stream in games for _, length in stream],
        seconds=round(time.perf_counter() - began, 3),
    )


def _progress(games: list[list[_Game]], episodes: int, seconds: float) -> str:
    points = [score for stream in games for score, _ in stream]
    mean = f", mean {np.mean(points):.1f}" if points else ""
    return f"evaluation: {len(points)} of {episodes} games{mean} | {duration(seconds)}"


def _best(
    env: EnvConfig, seeds: list[int], games: list[list[_Game]], taken: NDArray[np.int32]
) -> Recording:
    """The first game with the highest score: its emulator's seed and all actions up to its end."""
    stream = max(range(len(games)), key=lambda i: max(games[i])[0])
    returns, lengths = zip(*games[stream], strict=True)
    game = int(np.argmax(returns))
    first = sum(lengths[:game])
    last, actions = first + lengths[game], taken[:, stream]
    return Recording(env, seeds[stream], actions[:first], actions[first:last], returns[game])
