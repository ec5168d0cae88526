"""Logger sinks: TensorBoard, Weights & Biases, MLflow; imported only when selected."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final, Protocol

from numpy.typing import NDArray

from runner.settings.convert import flat
from runner.settings.schema import Config


class Sink(Protocol):
    """A destination of metrics. Steps never decrease, except for videos and ``set_state``."""

    def scalars(self, step: int, figures: Mapping[str, float]) -> None:
        """Logs finite numbers by name."""

    def histogram(self, step: int, name: str, values: NDArray[Any]) -> None:
        """Logs the distribution of numbers (n,), n >= 1."""

    def video(self, step: int, name: str, path: Path) -> None:
        """Logs an animated GIF."""

    def flush(self) -> None:
        """Makes all logged data visible to readers."""

    def close(self) -> None:
        """Closes files and connections."""

    def get_state(self) -> dict[str, Any]:
        """Returns the argument of ``set_state``, as plain types."""

    def set_state(self, state: dict[str, Any], step: int) -> None:
        """Restores the state at ``step``; data logged later must not appear twice."""


def _tensorboard(config: Config, folder: Path) -> Sink:
    from runner.callbacks.sinks.tensorboard import TensorBoard

    return TensorBoard(folder / "tensorboard")


def _wandb(config: Config, folder: Path) -> Sink:
    from runner.callbacks.sinks.weights_and_biases import WeightsAndBiases

    project, mode = config.logger.wandb_project, config.logger.wandb_mode
    return WeightsAndBiases(folder, project, mode, dataclasses.asdict(config))


def _mlflow(config: Config, folder: Path) -> Sink:
    from runner.callbacks.sinks.mlflow import MLflow

    uri = config.logger.mlflow_uri or f"sqlite:///{folder.absolute() / 'mlflow.db'}"
    return MLflow(uri, folder.name, flat(dataclasses.asdict(config)))


SINKS: Final[dict[str, Callable[[Config, Path], Sink]]] = {  # logger.<name>
    "tensorboard": _tensorboard,
    "wandb": _wandb,
    "mlflow": _mlflow,
}


@contextlib.contextmanager
def opened_sinks(config: Config, folder: Path) -> Iterator[dict[str, Sink]]:
    """Opens the sinks selected by ``logger.<name>`` for the run in ``folder``; closes them."""
    with contextlib.ExitStack() as stack:
        yield {
            name: stack.enter_context(contextlib.closing(make(config, folder)))
            for name, make in SINKS.items()
            if getattr(config.logger, name)
        }
