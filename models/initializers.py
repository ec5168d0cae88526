"""Weight initialisers by name.

Sources: Glorot and Bengio 2010, https://proceedings.mlr.press/v9/glorot10a.html; He et al. 2015,
https://arxiv.org/abs/1502.01852; LeCun et al. 1998, "Efficient BackProp".
"""

from __future__ import annotations

from typing import Any

from keras import initializers


def initializer(name: str) -> Any:
    """A new initializer for one layer: Keras initializers repeat their values if reused.

    Args:
        name: ``he_untruncated_normal`` (``VarianceScaling(2, "fan_in", "untruncated_normal")``), or
            a Keras name, such as ``glorot_uniform``.
    """
    if name == "he_untruncated_normal":
        return initializers.VarianceScaling(2.0, "fan_in", "untruncated_normal")
    return name  # the layer creates its own instance
