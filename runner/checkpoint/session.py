"""Saves and restores a training session: the complete state of a run."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Mapping
from typing import Any

from runner.agent.loop import Session
from runner.checkpoint.alike import check_alike
from runner.checkpoint.generators import generators_state, set_generators_state
from runner.checkpoint.store import CheckpointStore
from runner.errors import RunError, UserError


class SessionCheckpoints:
    """Saves a session every ``interval`` steps and at its end; restores it at the start.

    Args:
        store: The checkpoints of the run.
        interval: Steps between checkpoints.
        listeners: Callbacks with state (``get_state``, ``set_state``), by name.
        nb_steps: The step at which training ends.
        restored: Called when the session is restored, before any file of the run changes; None: a
            new run.
    """

    def __init__(
        self,
        store: CheckpointStore,
        interval: int,
        listeners: Mapping[str, Any],
        *,
        nb_steps: int,
        restored: Callable[[], None] | None,
    ) -> None:
        self._store, self._interval, self._listeners = store, interval, listeners
        self._nb_steps, self._restored = nb_steps, restored
        self._saved_at: int | None = None
        self._requested = False
        self.seconds = 0.0  # spent saving

    def restore(self, session: Session) -> bool:
        """Restores the newest usable checkpoint, if the run is resumed and has saved one.

        Raises:
            UserError: No checkpoint is usable, or ``train.steps`` is too small; no file changes.
        """
        if self._restored is None:
            return False
        passed_over = self._store.load(functools.partial(self._set_state, session))
        for line in passed_over or ():
            print(f"checkpoint skipped: {line}", flush=True)
        self._restored()
        if passed_over is None:
            return False
        print(f"resumed at step {self._saved_at:,}", flush=True)
        return True

    def _set_state(self, session: Session, step: int, state: dict[str, Any]) -> None:
        if step >= self._nb_steps + session.env.num_envs:  # training ends with a full turn
            raise UserError(
                f"train.steps={self._nb_steps}: expected at least the {step} steps of the run"
            )
        _set_session_state(session, state)
        for name, listener in self._listeners.items():
            if name in state["listeners"]:  # otherwise added since the checkpoint
                listener.set_state(state["listeners"][name])
        self._saved_at = step

    def request(self) -> None:
        """Requests a checkpoint after this turn."""
        self._requested = True

    def between_turns(self, session: Session) -> None:
        """Saves the session if it was never saved, if an interval has passed, or on request."""
        due = self._saved_at is None or session.agent.step >= self._saved_at + self._interval
        if due or self._requested:
            self.save(session)

    def save(self, session: Session) -> None:
        """Saves the session between two turns.

        Raises:
            RunError: The disk is full or not writable; earlier checkpoints are intact.
        """
        self._requested = False
        if session.agent.step == self._saved_at:
            return
        began = time.perf_counter()
        state = _session_state(session)
        state["listeners"] = {name: x.get_state() for name, x in self._listeners.items()}
        try:
            self._store.save(session.agent.step, state)
        except OSError as error:
            raise RunError(
                f"the checkpoint at step {session.agent.step} could not be written: {error}; "
                "the previous checkpoint is intact"
            ) from error
        self._saved_at = session.agent.step
        self.seconds += time.perf_counter() - began


def _session_state(session: Session) -> dict[str, Any]:
    return {
        "session": session.get_state(),
        "games": session.env.get_state(),
        "agent": session.agent.get_state(),
        "memory": session.memory.get_state(),
        "generators": generators_state(),
    }


def _set_session_state(session: Session, state: dict[str, Any]) -> None:
    own = _session_state(session)
    check_alike({key: state[key] for key in own}, own)
    games = {g.number: len(g.streams) for g in [*session.idle, *session.under_way]}
    under_way = {number: len(actions) for number, _, actions, _ in state["session"]["under_way"]}
    idle = {number: games.get(number) for number in state["session"]["idle"]}
    if under_way | idle != games or len(under_way) + len(idle) != len(games):
        raise ValueError("other groups of environments")
    session.agent.set_state(state["agent"])
    session.set_state(state["session"])
    session.env.set_state(state["games"])
    session.memory.set_state(state["memory"])
    set_generators_state(state["generators"])
