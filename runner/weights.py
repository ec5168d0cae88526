"""Weights to a file, and from one: a ``.weights.h5``, or a checkpoint of the original keras-rl2.

keras-rl2 on TensorFlow 2.3 saved ``….h5f``: whatever the ending says, that is TensorFlow's own
checkpoint format (``….h5f.index`` and ``….h5f.data-00000-of-00001``). Both hold numbers only:
nothing in them can run code.
"""

from __future__ import annotations

import io
import re
import warnings
from pathlib import Path

import h5py
import keras
import numpy as np
import tensorflow as tf
from keras.src.saving import saving_lib  # Keras's public functions write to a path only
from numpy.typing import NDArray

from runner.diverged import check_finite
from runner.errors import wrong
from runner.files import written_whole

EXPECTED = "a whole .weights.h5 file or keras-rl2 .h5f checkpoint"


def save_weights(model: keras.Model, path: Path, *, overwrite: bool = True) -> None:
    """Saves the weights of ``model`` as ``model.save_weights`` does, but whole or not at all.

    HDF5 ends the process if the disk is full: the file is made in memory.

    Raises:
        FileExistsError: ``path`` exists and ``overwrite`` is false.
        RunError: A weight is not a finite number.
        OSError: The disk is full or cannot be written to; ``path`` is as it was.
    """
    if path.exists() and not overwrite:
        raise FileExistsError(f"{path} exists")
    for weight in model.get_weights():
        check_finite(weight, "its weights are")
    content = io.BytesIO()
    store = saving_lib.H5IOStore(content, mode="w")
    saving_lib._save_state(
        model, weights_store=store, assets_store=None, inner_path="", visited_saveables=set()
    )
    store.close()
    with written_whole(path) as file:
        file.write(content.getbuffer())


def weights_file_exists(path: Path) -> bool:
    """True if ``path`` is a file, or the prefix of a TensorFlow checkpoint."""
    return path.is_file() or _index_of(path).is_file()


def load_weights(model: keras.Model, path: Path, field: str = "init_weights") -> None:
    """Loads ``path`` into ``model``.

    Args:
        model: The network.
        path: A ``.weights.h5`` file, or the prefix of a TensorFlow checkpoint.
        field: What the user called the file, for the error.

    Raises:
        UserError: The file is missing, damaged, or of a network of another shape.
    """
    if _index_of(path).is_file():
        _load_checkpoint(model, path, field)
    elif path.is_file() and path.name.endswith(".weights.h5"):
        _load_h5(model, path, field)
    else:
        raise wrong(field, path, f"{EXPECTED} (no such file)")


def _index_of(path: Path) -> Path:
    return path.with_name(path.name + ".index")


def _load_h5(model: keras.Model, path: Path, field: str) -> None:
    shapes: list[tuple[int, ...]] = []
    try:
        with h5py.File(path, "r") as file:
            file.visititems(
                lambda _, item: (
                    shapes.append(item.shape) if isinstance(item, h5py.Dataset) else None
                )
            )
    except (OSError, RuntimeError) as error:
        raise wrong(field, path, f"{EXPECTED} ({_short(error)})") from error
    try:
        with warnings.catch_warnings():
            # Keras only warns of layers that it finds no weights for, and leaves them at random.
            warnings.simplefilter("error", UserWarning)
            model.load_weights(path)
    except (OSError, ValueError, KeyError, RuntimeError, UserWarning) as error:
        raise _misfit(model, path, field, shapes) from error


def _load_checkpoint(model: keras.Model, path: Path, field: str) -> None:
    found: dict[tuple[int, int], NDArray[np.float32]] = {}
    try:
        reader = tf.train.load_checkpoint(str(path))
        for name in reader.get_variable_to_shape_map():
            match = re.fullmatch(
                r"layer_with_weights-(\d+)/(kernel|bias)/\.ATTRIBUTES/VARIABLE_VALUE", name
            )
            if match:
                found[int(match[1]), int(match[2] == "bias")] = reader.get_tensor(name)
    except (tf.errors.OpError, IndexError, ValueError, RuntimeError) as error:
        raise wrong(field, path, f"{EXPECTED} ({_short(error)})") from error
    weights = [found[key] for key in sorted(found)]
    if [w.shape for w in weights] != [tuple(w.shape) for w in model.weights]:
        raise _misfit(model, path, field, [w.shape for w in weights])
    model.set_weights(weights)


def _misfit(model: keras.Model, path: Path, field: str, shapes: list[tuple[int, ...]]) -> Exception:
    expected = [tuple(weight.shape) for weight in model.weights]
    return wrong(field, path, f"weights of shapes {_shown(expected)} (these: {_shown(shapes)})")


def _shown(shapes: list[tuple[int, ...]]) -> str:
    return " ".join("x".join(map(str, shape)) for shape in shapes)


def _short(error: Exception) -> str:
    return " ".join(str(error).split())[:120]
