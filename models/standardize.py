"""Layer: standardizes each byte with its mean and standard deviation in random play.

Most of the console's 128 bytes never change, yet weigh as much as those that do: in Pong 28 change
in random play. Standardized constant bytes are 0.
"""

from __future__ import annotations

from typing import Any, Final

import keras
import numpy as np
from keras import ops

from models.adapting import Adapting
from models.seen import Seen

LEAST_STD: Final = 16.0  # limits the scale of bytes that hardly change
UNIFORM_STD: Final = 73.9  # of uniformly distributed bytes; also that of constant bytes
GREATEST: Final = 5.0  # standard deviations; clips bytes that vary more once the agent plays


@keras.saving.register_keras_serializable(package="atari_runner")
class Standardize(Adapting):
    """(..., n) bytes, each minus its mean, divided by its deviation, clipped to +-``GREATEST``.

    Until the layer adapts, mean and standard deviation are those of uniformly distributed bytes.
    """

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Creates the weights."""
        self.mean = self.constant("mean", input_shape[-1:], 127.5)
        self.std = self.constant("std", input_shape[-1:], UNIFORM_STD)
        super().build(input_shape)

    def learn_from(self, seen: Seen) -> None:
        """Sets mean and standard deviation from the observations in the windows."""
        rows = seen.windows.reshape(-1, seen.windows.shape[-1]).astype(np.float64)
        std = rows.std(axis=0)
        self.mean.assign(rows.mean(axis=0))
        self.std.assign(np.where(std > 0.0, np.maximum(std, LEAST_STD), UNIFORM_STD))

    def call(self, inputs: Any) -> Any:
        """Maps (..., n) to (..., n) of the layer's dtype."""
        x = (ops.cast(inputs, self.variable_dtype) - self.mean) / self.std
        return ops.cast(ops.clip(x, -GREATEST, GREATEST), self.compute_dtype)
