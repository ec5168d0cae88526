"""Layer: standardizes each byte with the mean and deviation of the warm-up.

Of the console's 128 bytes most never change, and weigh as much as those that do: in Pong 28 change
in random play. Standardized, what does not change is 0.
"""

from __future__ import annotations

from typing import Any, Final

import keras
import numpy as np
from keras import ops

from models.adapting import Adapting
from models.seen import Seen

LEAST_STD: Final = 16.0  # a byte that hardly changes is not blown up
GREATEST: Final = 5.0  # standard deviations; one that changes later than it was measured is cut


@keras.saving.register_keras_serializable(package="atari_runner")
class Standardize(Adapting):
    """(..., n) bytes, each less its mean over its standard deviation, cut at +-``GREATEST``.

    Mean and standard deviation are those of evenly spread bytes until the layer adapts.
    """

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Makes the weights."""
        self.mean = self.constant("mean", input_shape[-1:], 127.5)
        self.std = self.constant("std", input_shape[-1:], 73.9)
        super().build(input_shape)

    def learn_from(self, seen: Seen) -> None:
        """Takes mean and standard deviation of the windows' observations."""
        rows = seen.windows.reshape(-1, seen.windows.shape[-1]).astype(np.float64)
        self.mean.assign(rows.mean(axis=0))
        self.std.assign(np.maximum(rows.std(axis=0), LEAST_STD))

    def call(self, inputs: Any) -> Any:
        """Maps (..., n) to (..., n) of the layer's dtype."""
        x = (ops.cast(inputs, self.variable_dtype) - self.mean) / self.std
        return ops.cast(ops.clip(x, -GREATEST, GREATEST), self.compute_dtype)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Returns (..., n)."""
        return input_shape
