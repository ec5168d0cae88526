"""Decides whether a network is compiled with XLA on this CPU."""

from __future__ import annotations

import keras

from runner.cores import cpu_features
from runner.tensorflow_setup import GPUS


def uses_xla(model: keras.Model, jit_compile: bool | str) -> bool:
    """Whether to compile with XLA: as ``jit_compile`` says, or with ``auto`` if it is faster.

    Updates take less time with XLA than with oneDNN for dense networks, and for convolutions on x86
    without AVX-512. With AVX-512 oneDNN is faster; other CPUs and GPUs were not compared
    (docs/performance.md).
    """
    if jit_compile != "auto":
        return bool(jit_compile)
    if not has_convolution(model):
        return True
    features = cpu_features()
    return not GPUS and "avx2" in features and "avx512f" not in features


def has_convolution(model: keras.Model) -> bool:
    """Whether a layer of ``model`` is a convolution.

    With XLA such a network's updates are called one at a time: two in one call take longer than two
    calls (docs/performance.md).
    """
    return any("Conv" in type(layer).__name__ for layer in model.layers)
