"""MLflow (https://mlflow.org); without a server, a database in the run directory."""

from __future__ import annotations

import contextlib
import logging
import os
import sys
import time
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, Final

# Training waits for a server that does not answer: one more attempt, not seven with growing pauses.
os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")

import mlflow
from mlflow.entities import Metric, Param
from mlflow.exceptions import MlflowException
from numpy.typing import NDArray

from runner.errors import UserError, reason

logging.getLogger("mlflow").setLevel(logging.WARNING)  # hides messages on database tables

EXPERIMENT: Final = "atari-runner"
MOST_AT_ONCE: Final = 1000  # metrics per log_batch, MLflow's limit
SECONDS_OF_REST: Final = 60.0  # after an attempt that failed


class MLflow:
    """One run of MLflow; a resumed run keeps its id.

    If the server fails after the run has begun, metrics are queued until it answers again.

    Args:
        uri: Tracking URI.
        name: Name of the run.
        settings: Settings of the run.
    """

    def __init__(self, uri: str, name: str, settings: dict[str, Any]) -> None:
        self._uri, self._name, self._settings = uri, name, settings
        self._id: str | None = None
        self._waiting: list[Metric] = []
        self._last: dict[str, int] = {}  # last logged step of each metric of a resumed run
        self._rests_until = 0.0  # time.monotonic() of the next attempt

    def scalars(self, step: int, figures: Mapping[str, float]) -> None:
        """Logs numbers, except those already logged before a crash."""
        now = int(time.time() * 1000)
        self._waiting += [
            Metric(name, float(value), now, step)
            for name, value in figures.items()
            if step > self._last.get(name, -1)
        ]
        if len(self._waiting) > MOST_AT_ONCE // 2:
            self.flush()

    def histogram(self, step: int, name: str, values: NDArray[Any]) -> None:
        """Does nothing: MLflow has no histograms."""

    def video(self, step: int, name: str, path: Path) -> None:
        """Stores the animated GIF at ``path`` with the run."""
        run = self._run
        with self._warned(f"{path.name} is only in the run directory"):
            self._client.log_artifact(run, str(path), f"{name}/{step}")

    def flush(self) -> None:
        """Sends the queued metrics, unless an attempt has just failed."""
        if self._waiting and time.monotonic() >= self._rests_until:
            self._send("metrics will be sent later")

    def close(self) -> None:
        """Ends the run, if it has begun."""
        if self._id is not None:
            self._send("the last metrics are lost")
            with self._warned("the run is not marked as finished"):
                self._client.set_terminated(self._id)

    def _send(self, otherwise: str) -> None:
        run = self._run
        with self._warned(otherwise):
            while self._waiting:
                self._client.log_batch(run, metrics=self._waiting[:MOST_AT_ONCE])
                del self._waiting[:MOST_AT_ONCE]

    @contextlib.contextmanager
    def _warned(self, otherwise: str) -> Iterator[None]:
        """Turns a failure of the server into a warning that says what follows."""
        try:
            yield
        except MlflowException as error:
            self._rests_until = time.monotonic() + SECONDS_OF_REST
            print(f"warning: logger.mlflow: {otherwise} ({reason(error)})", file=sys.stderr)

    def get_state(self) -> dict[str, Any]:
        """Returns the run's id."""
        self.flush()
        return {"id": self._run}

    def set_state(self, state: dict[str, Any], step: int) -> None:
        """Continues the run of ``get_state``."""
        with self._reached():
            for name in self._client.get_run(state["id"]).data.metrics:
                history = self._client.get_metric_history(state["id"], name)
                self._last[name] = max(metric.step for metric in history)
        self._id = state["id"]

    @contextlib.contextmanager
    def _reached(self) -> Iterator[None]:
        try:
            yield
        except MlflowException as error:
            raise UserError(
                f"logger.mlflow_uri={self._uri}: cannot reach MLflow's run ({reason(error)})"
            ) from error

    @cached_property
    def _client(self) -> Any:
        with self._reached():
            return mlflow.MlflowClient(tracking_uri=self._uri)

    @property
    def _run(self) -> str:
        if self._id is None:
            with self._reached():
                client = self._client
                found = client.get_experiment_by_name(EXPERIMENT)
                experiment = found.experiment_id if found else client.create_experiment(EXPERIMENT)
                self._id = client.create_run(experiment, run_name=self._name).info.run_id
                params = [Param(name, str(value)) for name, value in self._settings.items()]
                client.log_batch(self._id, params=params)
        return self._id
