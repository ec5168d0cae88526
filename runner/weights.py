"""Saves and loads weights: ``.weights.h5``, and files of keras-rl and keras-rl2.

keras-rl2 on TensorFlow 2.3 saved ``….h5f``, which despite its suffix is TensorFlow's checkpoint
format (``….h5f.index`` and ``….h5f.data-00000-of-00001``). keras-rl on Keras 2 saved HDF5 under any
name, with its own order of layers. All formats contain only numbers and cannot run code. The format
is detected by content, not by name.
"""

from __future__ import annotations

import io
import math
import re
import warnings
from pathlib import Path
from typing import Any, Final

import h5py
import keras
import numpy as np
import tensorflow as tf
from keras.src.saving import saving_lib  # Keras's public functions write to a path only
from numpy.typing import NDArray

from runner.diverged import check_finite
from runner.errors import UserError, reason, wrong
from runner.files import written_whole

EXPECTED: Final = "an undamaged .weights.h5 file or keras-rl2 .h5f checkpoint"


def save_weights(model: keras.Model, path: Path, *, overwrite: bool = True) -> None:
    """Saves the weights of ``model`` like ``model.save_weights``, but atomically.

    The file is built in memory, because HDF5 ends the process if the disk is full.

    Raises:
        FileExistsError: ``path`` exists and ``overwrite`` is false.
        RunError: A weight is not finite.
        OSError: The disk is full or not writable; ``path`` is unchanged.
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


def load_weights(model: keras.Model, path: Path, field: str = "init_weights") -> None:
    """Loads ``path`` into ``model``.

    Args:
        model: The network.
        path: A ``.weights.h5`` file, a Keras 2 HDF5 file, or the prefix of a TensorFlow checkpoint.
        field: Name of the setting, for errors.

    Raises:
        UserError: The file is missing or damaged, has another format, belongs to another network,
            or contains non-finite numbers.
    """
    old = True
    if path.with_name(f"{path.name}.index").is_file():
        _set_in_order(model, path, field, _read_checkpoint(path, field))
    elif not path.is_file():
        raise wrong(field, path, f"{EXPECTED} (no such file)")
    elif not h5py.is_hdf5(path):
        raise wrong(field, path, f"{EXPECTED} (this is {_format_of(path)})")
    else:
        old = _load_h5(model, path, field)
    if not all(np.isfinite(weight).all() for weight in model.get_weights()):
        raise wrong(field, path, "finite weights (the run diverged)")
    scaled = [x for x in model.layers if isinstance(x, keras.layers.Rescaling) and x.scale != 1]
    if old and scaled:
        print(
            f"note: {path.name} is from keras-rl, whose networks read unscaled bytes unless a "
            f"processor divides them; this network multiplies them by {float(scaled[0].scale):g}",
            flush=True,
        )


def _load_h5(model: keras.Model, path: Path, field: str) -> bool:
    """Loads an HDF5 file; returns whether Keras 2 wrote it."""
    shapes: list[tuple[int, ...]] = []
    try:
        with h5py.File(path, "r") as file:
            links: list[tuple[str, Any]] = []
            items: list[Any] = []
            # HDF5's visit functions must not raise: they only collect.
            file.visititems_links(lambda *found: links.append(found))
            file.visititems(lambda _, item: items.append(item))
            datasets = [item for item in items if isinstance(item, h5py.Dataset)]
            shapes = [dataset.shape for dataset in datasets]
            elsewhere = [name for name, link in links if not isinstance(link, h5py.HardLink)]
            elsewhere += [d.name for d in datasets if d.external or d.is_virtual]
            if elsewhere:
                raise ValueError(f"{elsewhere[0]} is a link, or in another file")
            most = max(weight.size for weight in model.get_weights())
            if any(math.prod(shape) > most for shape in shapes):
                raise _misfit(model, path, field, shapes)
            old = file.get("model_weights", file)  # present in files of a full model
            if "layer_names" in old.attrs:
                _set_in_order(model, path, field, _read_keras_2(old))
                return True
            if not path.name.endswith(".weights.h5"):
                raise ValueError("from Keras 3: its name must end in .weights.h5")
    except UserError:
        raise
    except (OSError, RuntimeError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise wrong(field, path, f"{EXPECTED} ({reason(error, 120)})") from error
    try:
        with warnings.catch_warnings():
            # Keras only warns about layers without weights in the file, and leaves them random.
            warnings.simplefilter("error", UserWarning)
            model.load_weights(path)
    except (OSError, ValueError, KeyError, RuntimeError, UserWarning) as error:
        raise _misfit(model, path, field, shapes) from error
    return False


def _read_keras_2(root: Any) -> list[NDArray[Any]]:
    """Reads weights written by Keras 2, in the order of the layers."""
    if _text(root.attrs.get("backend", "tensorflow")) == "theano":
        raise ValueError("weights of Theano, whose convolution kernels are flipped")
    weights = []
    for layer in root.attrs["layer_names"]:
        group = root[_text(layer)]
        weights += [np.asarray(group[_text(name)]) for name in group.attrs["weight_names"]]
    return weights


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def _read_checkpoint(path: Path, field: str) -> list[NDArray[Any]]:
    """Reads a TensorFlow checkpoint of keras-rl2 in the order of the layers."""
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
        raise wrong(field, path, f"{EXPECTED} ({reason(error, 120)})") from error
    return [found[key] for key in sorted(found)]


def _set_in_order(model: keras.Model, path: Path, field: str, weights: list[NDArray[Any]]) -> None:
    if [w.shape for w in weights] != [tuple(w.shape) for w in model.weights]:
        raise _misfit(model, path, field, [w.shape for w in weights])
    model.set_weights(weights)


_FORMATS: Final = {  # the first bytes of a file
    b"PK\x03\x04": "a zip archive, such as .keras, .npz or a PyTorch file",
    b"\x80": "a pickle, which is not read because it can run code",
    b"\x93NUMPY": "a NumPy array",
    b"\x1f\x8b": "gzip",
}


def _format_of(path: Path) -> str:
    with path.open("rb") as file:
        start = file.read(16)
    names = (name for magic, name in _FORMATS.items() if start.startswith(magic))
    return next(names, "not an HDF5 file" if start else "an empty file")


def _misfit(model: keras.Model, path: Path, field: str, shapes: list[tuple[int, ...]]) -> Exception:
    expected = [tuple(weight.shape) for weight in model.weights]
    return wrong(field, path, f"weights of shapes {_shown(expected)} (these: {_shown(shapes)})")


def _shown(shapes: list[tuple[int, ...]]) -> str:
    return " ".join("x".join(map(str, shape)) for shape in shapes)
