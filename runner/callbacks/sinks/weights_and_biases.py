"""Weights & Biases (https://docs.wandb.ai); offline, metrics stay in the run directory."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import wandb
from numpy.typing import NDArray

from runner.errors import UserError, reason


class WeightsAndBiases:
    """One run of Weights & Biases; a resumed run keeps its id.

    Args:
        folder: The run directory.
        project: Weights & Biases project.
        mode: ``offline`` or ``online``.
        settings: Settings of the run.
    """

    def __init__(self, folder: Path, project: str, mode: str, settings: dict[str, Any]) -> None:
        self._folder, self._project, self._settings = folder, project, settings
        self._mode: Any = mode  # one of wandb's literals
        self._id = uuid.uuid4().hex[:8]

    def scalars(self, step: int, figures: Mapping[str, float]) -> None:
        """Logs numbers; W&B ignores steps already logged before a crash."""
        self._run.log(dict(figures), step=step)

    def histogram(self, step: int, name: str, values: NDArray[Any]) -> None:
        """Logs the distribution of ``values`` (n,)."""
        self._run.log({name: wandb.Histogram(values.tolist())}, step=step)

    def video(self, step: int, name: str, path: Path) -> None:
        """Logs the animated GIF at ``path``, at the current step if it is later."""
        step = max(step, self._run.step)
        self._run.log({name: wandb.Video(str(path), format="gif")}, step=step)

    def flush(self) -> None:
        """Does nothing: a separate process writes."""

    def close(self) -> None:
        """Ends the run."""
        if "_run" in vars(self):
            self._run.finish()

    def get_state(self) -> dict[str, Any]:
        """Returns the run's id."""
        return {"id": self._id}

    def set_state(self, state: dict[str, Any], step: int) -> None:
        """Continues the run of ``get_state``."""
        self._id = state["id"]

    @cached_property
    def _run(self) -> Any:
        quiet = wandb.Settings(silent=True, console="off")  # keeps its output out of the run's
        try:
            return wandb.init(
                project=self._project,
                mode=self._mode,
                id=self._id,
                name=self._folder.name,
                resume="allow" if self._mode == "online" else None,
                dir=self._folder,
                config=self._settings,
                settings=quiet,
            )
        except wandb.errors.Error as error:
            raise UserError(
                f"logger.wandb_mode={self._mode}: cannot reach Weights & Biases ({reason(error)})"
            ) from error
