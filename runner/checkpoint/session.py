"""A training session to and from a checkpoint: every number that the rest of the run depends on."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from runner.agent.loop import Session
from runner.checkpoint.generators import generators_state, set_generators_state
from runner.checkpoint.store import CheckpointStore
from runner.errors import RunError


class SessionCheckpoints:
    """Saves a session every ``interval`` steps and at its end; restores it at the start.

    Args:
        store: Where to.
        interval: Steps between two checkpoints.
        listeners: By name, the callbacks that have a state of their own (``get_state``,
            ``set_state``).
        restored: Called when the session is restored, before anything else of the run is touched;
            None: a new run, which has nothing to restore.
    """

    def __init__(
        self,
        store: CheckpointStore,
        interval: int,
        listeners: Mapping[str, Any],
        *,
        restored: Callable[[], None] | None,
    ) -> None:
        self._store, self._interval, self._listeners = store, interval, listeners
        self._restored = restored
        self._saved_at: int | None = None
        self._requested = False
        self.seconds = 0.0  # spent saving

    def restore(self, session: Session) -> bool:
        """Restores the newest whole checkpoint, if the run is resumed and ever saved one."""
        found = self._store.load() if self._restored else None
        if found is None or self._restored is None:
            return False
        step, state, damaged = found
        for line in damaged:
            print(f"damaged checkpoint passed over: {line}", flush=True)
        _set_session_state(session, state)
        for name, listener in self._listeners.items():
            if name in state["listeners"]:  # else it is new since then
                listener.set_state(state["listeners"][name])
        self._restored()
        print(f"resumed at step {step:,}", flush=True)
        self._saved_at = step
        return True

    def request(self) -> None:
        """Asks for a checkpoint after this turn."""
        self._requested = True

    def between_turns(self, session: Session) -> None:
        """Saves the session if it was never saved, if an interval has passed, or if asked to."""
        due = self._saved_at is None or session.agent.step >= self._saved_at + self._interval
        if due or self._requested:
            self.save(session)

    def save(self, session: Session) -> None:
        """Saves the session as it stands between two turns.

        Raises:
            RunError: The disk is full or cannot be written to; earlier checkpoints are intact.
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
                "the one before is intact"
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
    session.agent.set_state(state["agent"])
    session.set_state(state["session"])
    session.env.set_state(state["games"])
    session.memory.set_state(state["memory"])
    set_generators_state(state["generators"])
