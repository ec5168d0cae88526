"""Logger sinks: TensorBoard, Weights & Biases, MLflow; imported only when selected."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final, Protocol

from numpy.typing import NDArray

from runner.settings.resume import flat
from runner.settings.schema import Config


class Sink(Protocol):
    """A place for figures. Steps never go back, but those of videos, and by ``set_state``."""

    def scalars(self, step: int, figures: Mapping[str, float]) -> None:
        """Takes finite numbers by name."""

    def histogram(self, step: int, name: str, values: NDArray[Any]) -> None:
        """Takes numbers (n,), n >= 1, whose distribution matters."""

    def video(self, step: int, name: str, path: Path) -> None:
        """Takes an animated GIF."""

    def flush(self) -> None:
        """Makes what was taken visible to those who look."""

    def close(self) -> None:
        """Lets go of files and connections."""

    def get_state(self) -> dict[str, Any]:
        """Returns what ``set_state`` needs, of plain types."""

    def set_state(self, state: dict[str, Any], step: int) -> None:
        """Goes back to ``get_state`` at ``step``; what came later is not to be seen twice."""


def _tensorboard(config: Config, folder: Path) -> Sink:
    from runner.callbacks.sinks.tensorboard import TensorBoard

    return TensorBoard(folder / "tensorboard")


def _wandb(config: Config, folder: Path) -> Sink:
    from runner.callbacks.sinks.weights_and_biases import WeightsAndBiases

    logger = config.logger
    settings = dataclasses.asdict(config)
    return WeightsAndBiases(folder, logger.wandb_project, logger.wandb_mode, settings)


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
    """Makes the sinks that ``logger.<name>`` asks for, of the run in ``folder``; closes them."""
    with contextlib.ExitStack() as stack:
        sinks = {}
        for name, make in SINKS.items():
            if getattr(config.logger, name):
                sinks[name] = stack.enter_context(contextlib.closing(make(config, folder)))
        yield sinks
