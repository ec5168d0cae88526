"""Dueling aggregation: state value and advantages to Q-values.

Source: Wang et al. 2016, "Dueling Network Architectures for Deep Reinforcement Learning",
https://arxiv.org/abs/1511.06581, equations 7 to 9.
"""

from __future__ import annotations

from typing import Any, Final

import keras
from keras import ops

DUELING_TYPES: Final = ("avg", "max", "naive")


@keras.saving.register_keras_serializable(package="atari_runner")
class Dueling(keras.layers.Layer):  # type: ignore[misc]
    """Combines [V, A_1 .. A_n] into Q-values.

    ``avg``: Q = V + A - mean(A); ``max``: Q = V + A - max(A); ``naive``: Q = V + A.

    Args:
        kind: One of ``avg``, ``max``, ``naive``.

    Raises:
        ValueError: ``kind`` is not one of the three.
    """

    def __init__(self, kind: str = "avg", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if kind not in DUELING_TYPES:
            raise ValueError(f"kind={kind!r}: expected one of {', '.join(DUELING_TYPES)}")
        self.kind = kind

    def call(self, inputs: Any) -> Any:
        """Maps (B, 1 + nb_actions, ...) to (B, nb_actions, ...)."""
        value, advantage = inputs[:, :1], inputs[:, 1:]
        if self.kind == "avg":
            advantage = advantage - ops.mean(advantage, axis=1, keepdims=True)
        elif self.kind == "max":
            advantage = advantage - ops.max(advantage, axis=1, keepdims=True)
        return value + advantage

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Returns (B, nb_actions, ...)."""
        batch, rows, *rest = input_shape
        assert rows is not None
        return (batch, rows - 1, *rest)

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments of ``from_config``, with which cloning rebuilds the layer."""
        return {**super().get_config(), "kind": self.kind}
