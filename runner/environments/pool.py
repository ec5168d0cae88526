"""Parallel environments in worker processes, behind Gymnasium's vector interface.

Each process runs several environments; observations, rewards and actions pass through shared
memory, so that a step costs two bytes on a pipe per process. ``step_async`` starts the emulators
and returns immediately. The environments form groups that can be stepped in turn, so that the
emulators of one group run while the caller processes another group's step.
"""

from __future__ import annotations

import contextlib
import itertools
import multiprocessing
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from multiprocessing.connection import Connection
from multiprocessing.shared_memory import SharedMemory
from multiprocessing.util import Finalize
from typing import Any, Final

import gymnasium
import numpy as np
from gymnasium import spaces
from gymnasium.vector import AutoresetMode
from gymnasium.vector.utils import batch_space
from numpy.typing import NDArray

from runner import limits
from runner.cores import cores
from runner.environments.atari import AtariGame
from runner.environments.worker import Layout, play
from runner.errors import RunError, wrong
from runner.settings.schema import EnvConfig, ObsConfig

Outcome = tuple[
    NDArray[np.uint8], NDArray[np.float64], NDArray[np.bool_], NDArray[np.bool_], dict[str, Any]
]
_SECONDS_TO_CLOSE: Final = 5
_SECONDS_BETWEEN_LINES: Final = 5


class EmulatorPool(gymnasium.vector.VectorEnv[NDArray[np.uint8], NDArray[np.int32], Any]):
    """``num_envs`` environments in a few processes.

    Resets happen in the same step (``AutoresetMode.SAME_STEP``): when a game ends, ``observations``
    holds the first observation of the next game and ``infos["final_obs"]`` the last of the old one.

    Arrays returned by ``reset`` and ``step_wait`` are views of shared memory, valid until the next
    ``step_async``.
    """

    def __init__(
        self,
        env: EnvConfig,
        obs: ObsConfig,
        num_envs: int,
        processes: int | None = None,
        groups: int = 1,
    ) -> None:
        """Starts the processes; the games load in the background.

        Args:
            env: The game and its rules.
            obs: The observation.
            num_envs: Number of environments.
            processes: Number of processes; None: one per core, at most one per environment.
            groups: Number of groups of environments that are stepped separately.
        """
        probe = AtariGame(env, obs)
        self.action_meanings = probe.action_meanings()
        self.num_envs = num_envs
        self.metadata = {"autoreset_mode": AutoresetMode.SAME_STEP}
        self.single_observation_space = probe.observation_space
        self.single_action_space = probe.action_space
        self.observation_space = batch_space(probe.observation_space, num_envs)
        self.action_space = spaces.MultiDiscrete([len(self.action_meanings)] * num_envs)
        shape = probe.observation_space.shape
        assert shape is not None
        layout = Layout(num_envs, shape)
        self._block = _shared_memory(layout)
        self._arrays: dict[str, NDArray[Any]] = layout.arrays(self._block)
        self._workers: list[tuple[Any, Connection]] = []
        self.groups = _shares(range(num_envs), groups)
        self._under_way: list[int] = []  # groups with a step in progress, oldest first
        self._received = Counter[int]()  # processes that are done with the step of each of them
        count = min(min(map(len, self.groups)), processes or cores())
        # Each process plays a share of every group.
        shares = [_shares(group, count) for group in self.groups]
        self._games = [[share[i] for share in shares] for i in range(count)]
        # Spawned, not forked: a forked child would inherit TensorFlow's locks and threads.
        context = multiprocessing.get_context("spawn")
        # If the pool was not closed, for example after an exception: multiprocessing would wait for
        # processes that ignore its SIGTERM.
        self._at_exit = Finalize(self, _close_pipes, (self._workers,), exitpriority=0)
        try:
            for games in self._games:
                ours, theirs = context.Pipe()
                arguments = (theirs, self._block.name, layout, games, env, obs)
                process = context.Process(target=play, args=arguments, daemon=True)
                with _signals_ignored():
                    process.start()  # inherits the ignored signals
                theirs.close()
                self._workers.append((process, ours))
        except BaseException:  # a signal, too many processes
            self.close()
            raise

    def reset(
        self,
        *,
        seed: int | Sequence[int | None] | None = None,
        options: dict[str, Any] | None = None,
    ) -> tuple[NDArray[np.uint8], dict[str, Any]]:
        """Starts a new game in every environment; steps in progress are abandoned.

        Args:
            seed: One seed per environment, or one to derive them from; None: continue generators.
            options: Unused.

        Returns:
            Observations (num_envs, ...) uint8 and ``lives``.
        """
        self._receive_all()
        self._under_way, self._received = [], Counter()
        if seed is None:
            self._ask("reset", [None] * self.num_envs)
        else:
            seeds = game_seeds(seed, self.num_envs) if isinstance(seed, int) else seed
            self._ask("reset", seeds, self._say_how_many_started)
        return self._arrays["observations"], {"lives": self._arrays["lives"]}

    def step_async(self, actions: NDArray[Any], group: int | None = None) -> None:
        """Starts a step.

        Args:
            actions: One per environment; ``REST`` does not step it.
            group: Group of environments to step; None: all.
        """
        self._arrays["actions"][self._slice(group)] = actions
        for number in range(len(self.groups)) if group is None else (group,):
            self._under_way.append(number)
            for _, pipe in self._workers:
                self._guarded(pipe.send_bytes, bytes([number]))

    def step_wait(self, group: int | None = None) -> Outcome:
        """Waits for the oldest step in progress, which must be that of ``group``.

        Returns:
            Observations, points, terminated, truncated, and infos: the arrays ``life_lost``,
            ``extra_reward``, ``lives``, ``frames``, and for games that ended ``final_obs``,
            ``episode_return``, ``episode_length``; for the group's environments, or for all.

        Raises:
            RunError: An emulator process died.
        """
        for number in range(len(self.groups)) if group is None else (group,):
            self._receive(number)
            self._under_way.remove(number)
            del self._received[number]
        span = self._slice(group)
        a = {name: array[span] for name, array in self._arrays.items()}
        names = ("life_lost", "extra_reward", "lives", "frames", "episode_return", "episode_length")
        infos = {"final_obs": a["final_observations"], **{name: a[name] for name in names}}
        return a["observations"], a["rewards"], a["terminated"], a["truncated"], infos

    def step(self, actions: NDArray[Any]) -> Any:
        """``step_async`` followed by ``step_wait``."""
        self.step_async(actions)
        return self.step_wait()

    def get_state(self) -> dict[str, Any]:
        """Returns the complete state of the environments, including steps in progress.

        Waits for the emulators; ``step_wait`` still returns their results.
        """
        self._receive_all()
        return {
            "games": self._ask("get_state", [None] * self.num_envs),
            "arrays": {name: array.copy() for name, array in self._arrays.items()},
            "under_way": list(self._under_way),
        }

    def set_state(self, state: dict[str, Any]) -> None:
        """Restores the state returned by ``get_state``; no step may be in progress.

        Raises:
            ValueError: An emulator rejects its state.
        """
        self._ask("set_state", state["games"])
        for name, array in self._arrays.items():
            array[:] = state["arrays"][name]
        self._under_way = list(state["under_way"])
        self._received = Counter(dict.fromkeys(self._under_way, len(self._workers)))

    def close_extras(self, **kwargs: Any) -> None:
        """Ends the processes and frees the shared memory."""
        # Workers that still load games, for up to a minute, would notice only afterwards.
        grace = _SECONDS_TO_CLOSE if self._arrays["started"].all() else 0
        self._at_exit()
        deadline = time.monotonic() + grace
        for process, _ in self._workers:
            process.join(timeout=max(deadline - time.monotonic(), 0))
            if process.is_alive():
                process.kill()
                process.join()
        self._workers = []
        self._arrays = {}
        with contextlib.suppress(BufferError):  # a view still exists: freed at exit
            self._block.close()
        self._block.unlink()

    def _receive_all(self) -> None:
        """Waits for the emulators of all groups with a step in progress."""
        for number in self._under_way:
            self._receive(number)

    def _receive(self, number: int) -> None:
        """Waits for the emulators of group ``number``, unless they are already done."""
        for _, pipe in self._workers[self._received[number] :]:
            self._guarded(pipe.recv_bytes)
            self._received[number] += 1

    def _slice(self, group: int | None) -> slice:
        if group is None:
            return slice(0, self.num_envs)
        return slice(self.groups[group].start, self.groups[group].stop)

    def _say_how_many_started(self) -> None:
        share = self._arrays["started"].mean()
        print(f"starting {self.num_envs:,} emulators: {share:.0%}", flush=True)

    def _ask(
        self, command: str, per_game: Sequence[Any], waiting: Callable[[], None] = lambda: None
    ) -> list[Any]:
        """Sends every environment a command with an argument; no step may be in progress.

        Args:
            command: The command.
            per_game: Argument for each environment.
            waiting: Called every few seconds until all have answered.

        Returns:
            The answer of every environment.
        """
        answers: dict[int, Any] = {}
        for (_, pipe), games in zip(self._workers, self._games, strict=True):
            mine = {index: per_game[index] for share in games for index in share}
            self._guarded(pipe.send_bytes, b"c")
            self._guarded(pipe.send, (command, mine))
        received = []
        for _, pipe in self._workers:
            while not self._guarded(pipe.poll, _SECONDS_BETWEEN_LINES):
                waiting()
            received.append(self._guarded(pipe.recv))
        for answer in received:
            if isinstance(answer, Exception):
                raise answer
            answers |= answer
        return [answers[index] for index in range(self.num_envs)]

    def _guarded(self, talk: Any, *args: Any) -> Any:
        """Calls ``talk``; a broken pipe means that the worker process died."""
        try:
            return talk(*args)
        except (EOFError, OSError) as error:
            for process, _ in self._workers:
                process.join(timeout=0.2)
                if (code := process.exitcode) is not None:
                    died = f"an emulator process died (pid {process.pid}, exit code {code})"
                    raise RunError(died) from error
            raise RunError(f"an emulator process does not answer: {error}") from error


def game_seeds(seed: int, num_envs: int) -> list[int]:
    """Returns distinct seeds, one per environment, the same on every machine."""
    return [int(s) for s in np.random.SeedSequence(seed).generate_state(num_envs)]


def _shares(games: range, count: int) -> list[range]:
    """Splits ``games`` into ``count`` contiguous ranges of nearly equal length."""
    bounds = np.linspace(games.start, games.stop, count + 1).astype(int).tolist()
    return [range(first, last) for first, last in itertools.pairwise(bounds)]


def _shared_memory(layout: Layout) -> SharedMemory:
    """Creates the block that the processes share.

    Raises:
        UserError: There is too little shared memory.
    """
    size, block = layout.size(), None
    try:
        block = SharedMemory(create=True, size=size)
        limits.reserve(block.name, size)
    except OSError as error:
        if block is not None:
            block.close()
            block.unlink()
        allowed = f"fewer: they need {size / 1e6:.1f} MB of shared memory ({error.strerror})"
        raise wrong("env.num_envs", layout.num_envs, allowed) from error
    return block


def _close_pipes(workers: list[tuple[Any, Connection]]) -> None:
    for _, pipe in workers:
        with contextlib.suppress(OSError):
            pipe.close()  # a worker exits when its pipe closes


@contextlib.contextmanager
def _signals_ignored() -> Iterator[None]:
    """Ignores signals, which reach the whole process group: workers end with their pipe."""
    names = ("SIGINT", "SIGTERM", "SIGHUP", "SIGUSR1")  # the last two do not exist on Windows
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread may set handlers
        return
    numbers = [getattr(signal, name) for name in names if hasattr(signal, name)]
    before = {number: signal.signal(number, signal.SIG_IGN) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
