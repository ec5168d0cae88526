"""Layers whose statistics are fitted to random play, once and without a gradient.

The statistics are non-trainable weights: weights files, target networks, moving averages and
exports include them like any other weight.
"""

from __future__ import annotations

from typing import Any

import keras
from keras import layers

from models.seen import Seen


class Adapting(layers.Layer):  # type: ignore[misc]
    """A layer with ``adapt``, and a weight that records whether it was called.

    A subclass implements ``learn_from`` and calls ``super().build``.
    """

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Creates the flag."""
        self.width = input_shape[-1]
        self.adapted = self.constant("adapted", (), 0.0)

    def constant(self, name: str, shape: tuple[Any, ...], value: float) -> Any:
        """A non-trainable weight with initial value ``value``."""
        initializer = keras.initializers.Constant(value)
        return self.add_weight(shape=shape, initializer=initializer, trainable=False, name=name)

    @property
    def is_adapted(self) -> bool:
        """Whether the layer has adapted, now or before its weights were saved."""
        return bool(self.adapted > 0)

    def adapt(self, seen: Seen) -> None:
        """Fits the layer's statistics to transitions of random play.

        Only the layer's input width of the observations' last axis is used, such as the RAM that
        precedes the pixels of a screen.
        """
        self.learn_from(seen.of_first(self.width))
        self.adapted.assign(1.0)

    def learn_from(self, seen: Seen) -> None:
        """Implements ``adapt`` for this layer."""
        raise NotImplementedError


def adapting(model: keras.Model) -> list[Adapting]:
    """The adapting layers of ``model``."""
    return [layer for layer in model.layers if isinstance(layer, Adapting)]
