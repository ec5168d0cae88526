"""One viewer's game: play, pause, rewind, take over, edit and freeze bytes."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import Any, Final

import cv2
import numpy as np
from ale_py import Action
from numpy.typing import NDArray

from models.ram import RAM_BYTES
from runner.environments import emulator_state
from runner.environments.atari import AtariGame
from runner.errors import UserError, wrong
from runner.evaluation import QFunction
from runner.memory.windows import RunningWindows
from runner.report.pages import png
from runner.settings.schema import Config

REMEMBERED: Final = 1800  # steps that can be rewound: two minutes of play at 4 frames per step
PROBE: Final = 8  # added to a byte to find the objects that it moves
PROBE_FRAMES: Final = 2
KEYS: Final = ("UP", "DOWN", "RIGHT", "LEFT", "FIRE")  # parts of ALE's names of actions


class FrozenGame(AtariGame):
    """A whole game in which some bytes are reset to a fixed value before and after every frame.

    Attributes:
        frozen: Values by address.
    """

    def __init__(self, config: Config) -> None:
        super().__init__(config.env.whole_games(), config.obs)
        self.frozen: dict[int, int] = {}

    def _act(self, chosen: Action) -> float:
        self._hold()
        points = super()._act(chosen)
        self._hold()
        return points

    def _hold(self) -> None:
        for address, value in self.frozen.items():
            self.ale.setRAM(address, value)


class Session:
    """The game of one viewer.

    Args:
        config: Rules and observation.
        q_values: Q-values of the agent; None: only the viewer plays.
        seed: Seed of the first game.
    """

    def __init__(self, config: Config, q_values: QFunction | None, seed: int) -> None:
        self.game = FrozenGame(config)
        self._q_values, self._obs = q_values, config.obs
        self._names = self.game.action_meanings()
        # State of the game, windows and score before each step; no game was over.
        self.past: deque[tuple[dict[str, Any], NDArray[np.uint8], float]] = deque(maxlen=REMEMBERED)
        self.taken_over = q_values is None
        self.keys: frozenset[str] = frozenset()
        self.action = 0
        self.reset(seed)

    def reset(self, seed: int | None) -> None:
        """Starts a new game, the same one for the same seed."""
        if seed is not None and not 0 <= seed < 2**32:
            raise wrong("seed", seed, "an integer from 0 to 4294967295")
        observation, _ = self.game.reset(seed=seed)
        window, padding = self._obs.window, self._obs.padding
        self.windows = RunningWindows(1, window, observation.shape, padding)
        self.windows.push(slice(None), observation[None], True)
        self.past.clear()
        self.score, self.over = 0.0, False

    def step(self) -> None:
        """Plays one step with the agent's or the viewer's action; restarts a finished game."""
        if self.over:
            self.reset(None)
            return
        self.past.append((self.game.get_state(), self.windows.states.copy(), self.score))
        q = self.q()
        if self.taken_over or q is None:
            self.action = action_of(self.keys, self._names)
        else:
            self.action = int(q.argmax())
        observation, points, terminated, truncated, _ = self.game.step(self.action)
        self.score += points
        self.over = terminated or truncated
        self.windows.push(slice(None), observation[None], np.zeros(1, np.bool_))

    def rewind(self, steps: int) -> None:
        """Rewinds by ``steps``, at least one, as far as the history reaches."""
        if not self.past:
            return
        for _ in range(min(steps, len(self.past)) - 1):
            self.past.pop()
        game, self.windows.states[:], self.score = self.past.pop()
        self.game.set_state(game)
        self.over = False

    def write(self, address: int, value: int) -> None:
        """Sets a RAM byte once; a frozen byte is frozen at the new value."""
        _check_byte(address, value)
        self.game.ale.setRAM(address, value)
        if address in self.game.frozen:
            self.game.frozen[address] = value
        # Only bytes: the screen is drawn, and pooled with the previous frame, by the next step.
        seen = {"pixel": 0, "both": RAM_BYTES}.get(self._obs.name)
        self.windows.states[0, -1, :seen] = self.game.observe()[:seen]

    def freeze(self, address: int, *, held: bool) -> None:
        """Freezes a byte at its current value, or releases it."""
        _check_byte(address, 0)
        if held:
            self.game.frozen[address] = int(self.game.ale.getRAM()[address])
        else:
            self.game.frozen.pop(address, None)

    def probe(self, address: int) -> list[list[int]]:
        """Finds the parts of the screen that change within two frames of adding ``PROBE``.

        Returns:
            Boxes (left, top, width, height) in pixels of the screen. The game is not changed.
        """
        _check_byte(address, 0)
        ale = self.game.ale
        before = emulator_state.save(ale)
        screens = []
        for added in (0, PROBE):
            ale.setRAM(address, (int(ale.getRAM()[address]) + added) % 256)
            for _ in range(PROBE_FRAMES):
                ale.act(Action.NOOP)
            screens.append(ale.getScreen())
            emulator_state.restore(ale, before)
        changed = (screens[0] != screens[1]).astype(np.uint8)
        joined = cv2.dilate(changed, np.ones((5, 5), np.uint8))
        _, _, boxes, _ = cv2.connectedComponentsWithStats(joined)
        return [[int(n) for n in box[:4]] for box in boxes[1:]]  # the first is the background

    def q(self) -> NDArray[np.float32] | None:
        """(nb_actions,) Q-values of the state; None without an agent."""
        return None if self._q_values is None else self._q_values(self.windows.states)[0]

    def shown(self) -> tuple[dict[str, Any], bytes]:
        """Content of the page: numbers, and the screen as a PNG file."""
        q = self.q()
        return {
            "ram": self.game.ale.getRAM().tolist(),
            "frozen": sorted(self.game.frozen),
            "actions": self._names,
            "action": self.action,
            "q": None if q is None else [round(float(value), 4) for value in q],
            "score": self.score,
            "lives": self.game.ale.lives(),
            "over": self.over,
            "past": len(self.past),
            "taken_over": self.taken_over,
        }, png(self.game.render())


def action_of(keys: Iterable[str], names: list[str]) -> int:
    """The action that matches most of the pressed keys (``UP``, ``LEFT``, ``FIRE``).

    Args:
        keys: Pressed keys.
        names: Names of the game's actions, such as UPRIGHTFIRE; the first is NOOP.
    """
    pressed = set(keys)
    wanted = [{key for key in KEYS if key in name} for name in names]
    matching = [len(parts) if parts <= pressed else 0 for parts in wanted]
    return matching.index(max(matching))


def _check_byte(address: Any, value: Any) -> None:
    if not (isinstance(address, int) and 0 <= address < RAM_BYTES):
        raise UserError(f"byte={address}: expected an address from 0 to {RAM_BYTES - 1}")
    if not (isinstance(value, int) and 0 <= value < 256):
        raise UserError(f"value={value}: expected an integer from 0 to 255")
