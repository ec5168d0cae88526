"""Layers whose statistics are fitted to warm-up observations, once and without a gradient.

What they learn are weights that are not trained: files of weights, target networks, moving averages
and exports carry it as any other weight.
"""

from __future__ import annotations

from typing import Any

import keras
from keras import layers

from models.seen import Seen


class Adapting(layers.Layer):  # type: ignore[misc]
    """A layer with ``adapt``, and a weight that says whether it was called.

    A subclass has ``learn_from``, and calls ``super().build``.
    """

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Makes the flag."""
        self.width = input_shape[-1]
        self.adapted = self.constant("adapted", (), 0.0)

    def constant(self, name: str, shape: tuple[Any, ...], value: float) -> Any:
        """A weight that is ``value`` at first and that no gradient changes."""
        initializer = keras.initializers.Constant(value)
        return self.add_weight(shape=shape, initializer=initializer, trainable=False, name=name)

    @property
    def is_adapted(self) -> bool:
        """Whether it learned from observations, now or before its weights were saved."""
        return bool(self.adapted > 0)

    def adapt(self, seen: Seen) -> None:
        """Learns from transitions of the warm-up.

        The layer may see the first of the observation's last axis only, as the RAM before the
        pixels of a screen.
        """
        self.learn_from(seen.of_first(self.width))
        self.adapted.assign(1.0)

    def learn_from(self, seen: Seen) -> None:
        """What ``adapt`` does in this layer."""
        raise NotImplementedError


def adapting(model: keras.Model) -> list[Adapting]:
    """The layers of ``model`` that adapt."""
    return [layer for layer in model.layers if isinstance(layer, Adapting)]
