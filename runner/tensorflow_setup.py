"""Configures TensorFlow: logging, threads, memory, seeds. Import before Keras."""

from __future__ import annotations

import atexit
import contextlib
import gc
import os
import sys
from collections.abc import Iterator
from typing import Final

from runner.cores import cores
from runner.interrupts import postponed

# Keras imports these wherever they are installed; nothing here uses what it offers with them.
_OPTIONAL_OF_KERAS: Final = ("matplotlib", "sklearn")


@contextlib.contextmanager
def _quick_imports() -> Iterator[None]:
    """Halves the time of the imports below: no garbage collection, no optional packages."""
    hidden = [name for name in _OPTIONAL_OF_KERAS if name not in sys.modules]
    sys.modules.update(dict.fromkeys(hidden))  # type: ignore[arg-type]
    collects = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        for name in hidden:
            sys.modules.pop(name, None)
        gc.freeze()  # a million objects of modules, which no later collection looks through
        if collects:
            gc.enable()


atexit.register(gc.freeze)  # otherwise the last collection takes a second


@contextlib.contextmanager
def _quiet_stderr() -> Iterator[None]:
    """Discards native code's output to standard error while TensorFlow starts."""
    saved = os.dup(2)
    try:
        with open(os.devnull, "w") as nothing:
            os.dup2(nothing.fileno(), 2)
        yield
    finally:
        os.dup2(saved, 2)
        os.close(saved)


os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
# Required Keras settings, which override the user's environment and ~/.keras/keras.json.
os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ.pop("TF_USE_LEGACY_KERAS", None)
with postponed(), _quiet_stderr(), _quick_imports():
    import keras
    import tensorflow as tf

    GPUS = tf.config.list_physical_devices("GPU")

tf.get_logger().setLevel("ERROR")
keras.config.set_image_data_format("channels_last")
keras.config.set_floatx("float32")
keras.config.set_epsilon(1e-7)
keras.config.set_dtype_policy("float32")


def set_up(seed: int, threads: int | None = None) -> str:
    """Sets threads and GPU memory growth (once per process), and seeds every generator.

    Args:
        seed: Seed of Python's, NumPy's and TensorFlow's generators.
        threads: Threads per operation; None: one per core.

    Returns:
        A line that describes the configuration.
    """
    keras.backend.clear_session()
    keras.utils.set_random_seed(seed)
    threads = threads or cores()
    # Both can be set only before TensorFlow has run its first operation.
    with contextlib.suppress(RuntimeError):
        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(1)
    for gpu in GPUS:
        with contextlib.suppress(RuntimeError):
            tf.config.experimental.set_memory_growth(gpu, True)
    where = f"{len(GPUS)} GPU" if GPUS else "CPU"
    intra = tf.config.threading.get_intra_op_parallelism_threads()
    return f"TensorFlow {tf.__version__}, Keras {keras.__version__}, {where}, {intra} thread(s)"
