"""Records RAM, screen, score and lives during random play."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from ale_py import Action, ALEInterface, LoggerMode
from numpy.typing import NDArray

from runner.environments import emulator_state
from runner.settings.games import rom_path

FRAMES: Final = 4  # per step
LONGEST: Final = 12  # most steps of one action
SCREENS: Final = 150
STATES: Final = 8
SETTLED: Final = 30  # steps after which a game is in progress

Say = Callable[[str], None]
Screen = NDArray[np.uint8]  # (H, W): indices of ALE's palette


class State(NamedTuple):
    """A saved state of a game."""

    emulator: bytes
    ram: NDArray[np.uint8]  # (128,)


@dataclass
class Record:
    """Recorded data, step by step."""

    ram: NDArray[np.uint8]  # (T, 128)
    action: NDArray[np.int64]  # (T,) action of the step
    lives: NDArray[np.int64]  # (T,) reported by ALE
    gained: NDArray[np.int64]  # (T,) points gained so far in the game
    lost: NDArray[np.int64]  # (T,) points lost so far in the game
    game: NDArray[np.int64]  # (T,) number of the game
    screens: list[Screen]  # of some steps
    states: list[State]


def load(game: str, seed: int) -> ALEInterface:
    """Returns an emulator with one of ALE's games."""
    ALEInterface.setLoggerMode(LoggerMode.Error)
    ale = ALEInterface()
    ale.setInt("random_seed", seed)
    ale.setFloat("repeat_action_probability", 0.0)
    ale.loadROM(rom_path(game, None))
    ale.reset_game()
    return ale


def direction(action: Action) -> tuple[int, int]:
    """(x, y) direction: right and down as 1, left and up as -1."""
    name = action.name
    return ("RIGHT" in name) - ("LEFT" in name), ("DOWN" in name) - ("UP" in name)


def observe(ale: ALEInterface, steps: int, seed: int, say: Say) -> Record:
    """Plays ``steps`` steps of random actions, each repeated for several steps."""
    random = np.random.default_rng(seed)
    actions = ale.getMinimalActionSet()
    rows: list[tuple[int, int, int, int, int]] = []
    ram = np.empty((steps, 128), np.uint8)
    screens: list[Screen] = []
    keeps = set(np.linspace(SETTLED, steps - 1, STATES * 4).astype(int).tolist())
    looks = set(np.linspace(SETTLED, steps - 1, SCREENS).astype(int).tolist())
    candidates: list[State] = []
    chosen, left, number, gained, lost, begun = 0, 0, 0, 0, 0, 0
    for step in range(steps):
        if left == 0:
            chosen, left = int(random.integers(len(actions))), int(random.integers(1, LONGEST + 1))
        left -= 1
        for _ in range(FRAMES):
            points = int(ale.act(actions[chosen]))
            gained, lost = gained + max(points, 0), lost + max(-points, 0)
        ram[step] = ale.getRAM()
        rows.append((int(actions[chosen].value), ale.lives(), gained, lost, number))
        if step in looks:
            screens.append(ale.getScreen())
        if step in keeps and step - begun >= SETTLED and not ale.game_over():
            candidates.append(State(emulator_state.save(ale), ram[step]))
        if ale.game_over():
            ale.reset_game()
            number, gained, lost, begun = number + 1, 0, 0, step
        if step % 1000 == 999:
            say(f"played {step + 1:,} of {steps:,} steps")
    every = np.linspace(0, len(candidates) - 1, min(STATES, len(candidates))).astype(int)
    action, lives, gains, losses, games = np.array(rows, np.int64).T
    states = [candidates[i] for i in every]
    return Record(ram, action, lives, gains, losses, games, screens, states)


def background(record: Record) -> Screen:
    """The most frequent colour of each pixel, (H, W)."""
    screens = np.stack(record.screens)
    best: Screen = screens[0].copy()
    count = np.zeros(best.shape, np.int64)
    for colour in np.unique(screens):
        here = (screens == colour).sum(axis=0)
        best[here > count] = colour
        count = np.maximum(count, here)
    return best
