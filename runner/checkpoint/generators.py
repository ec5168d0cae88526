"""State of the global random generators of Python, NumPy and TensorFlow."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import tensorflow as tf


def generators_state() -> dict[str, Any]:
    """Returns the state of all three generators, as plain types and arrays."""
    return {
        "python": random.getstate(),
        "numpy": np.random.get_state(legacy=False),
        "tensorflow": tf.random.get_global_generator().state.numpy(),
    }


def set_generators_state(state: dict[str, Any]) -> None:
    """Restores the state returned by ``generators_state``."""
    version, internal, gauss = state["python"]
    random.setstate((version, tuple(internal), gauss))
    np.random.set_state(state["numpy"])
    tf.random.get_global_generator().state.assign(state["tensorflow"])
