"""Weights in other formats: read in their order, or named and refused."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np
import pytest
from keras import layers

from runner.errors import UserError
from runner.weights import load_weights, save_weights


def network(scale: float = 1.0) -> keras.Model:
    inputs = keras.Input((2, 8), dtype="uint8")
    x = layers.Flatten()(layers.Rescaling(scale)(inputs))
    x = layers.Dense(5, activation="relu")(x)
    return keras.Model(inputs, layers.Dense(3)(x))


def arrays() -> list[Any]:
    random = np.random.default_rng(0)
    return [random.normal(size=shape).astype(np.float32) for shape in [(16, 5), 5, (5, 3), 3]]


def keras_2(path: Path, weights: list[Any], *, whole: bool = False, backend: str = "") -> Path:
    """A Keras 2 file whose layers are not in alphabetical order."""
    with h5py.File(path, "w") as file:
        root = file.create_group("model_weights") if whole else file
        names = ["flatten_1", "dense_9", "dense_10"]
        root.attrs["layer_names"] = [name.encode() for name in names]
        root.attrs["backend"] = (backend or "tensorflow").encode()
        for i, name in enumerate(names):
            group = root.create_group(name)
            own = [f"{name}/kernel:0", f"{name}/bias:0"] if i else []
            given = dict(zip(own, weights[2 * i - 2 :], strict=False))
            group.attrs["weight_names"] = [text.encode() for text in given]
            for text, value in given.items():
                group[text] = value
    return path


@pytest.mark.parametrize("name", ["policy.h5", "policy.h5f", "a.weights.h5", "weights.hdf5"])
@pytest.mark.parametrize("whole", [False, True])
def test_keras_2_weights_in_order(name: str, whole: bool, tmp_path: Path, capsys: Any) -> None:
    model = network()
    load_weights(model, keras_2(tmp_path / name, arrays(), whole=whole))
    for ours, theirs in zip(model.get_weights(), arrays(), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert capsys.readouterr().out == ""


def test_a_network_that_scales_inputs_unlike_keras_rl(tmp_path: Path, capsys: Any) -> None:
    load_weights(network(1 / 255), keras_2(tmp_path / "policy.h5", arrays()))
    (line,) = capsys.readouterr().out.splitlines()
    assert "policy.h5 is from keras-rl" in line
    save_weights(network(1 / 255), tmp_path / "own.weights.h5")
    load_weights(network(1 / 255), tmp_path / "own.weights.h5")
    assert capsys.readouterr().out == ""


def zipped(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("archive/data.pkl", b"")


def array(path: Path) -> None:
    content = io.BytesIO()
    np.save(content, np.zeros(3))
    path.write_bytes(content.getvalue())


def huge(path: Path) -> None:
    with h5py.File(path, "w") as file:
        file.create_dataset("layers/dense/vars/0", (2**50,), "f4", chunks=(1024,))


def huge_keras_2(path: Path) -> None:
    keras_2(path, arrays())
    with h5py.File(path, "a") as file:
        del file["dense_9/dense_9/kernel:0"]
        file.create_dataset("dense_9/dense_9/kernel:0", (2**50,), "f4", chunks=(1024,))


def linked(path: Path) -> None:
    keras_2(path, arrays())
    with h5py.File(path, "a") as file:
        del file["dense_9/dense_9/kernel:0"]
        file["dense_9/dense_9/kernel:0"] = h5py.ExternalLink("other.h5", "x")


def external(path: Path) -> None:
    with h5py.File(path, "w") as file:
        file.create_dataset("x", (2,), "f4", external=[("/etc/passwd", 0, 8)])


def not_finite(path: Path) -> None:
    keras_2(path, [arrays()[0] * np.nan, *arrays()[1:]])


def not_finite_keras_3(path: Path) -> None:
    model = network()
    model.set_weights([arrays()[0] * np.inf, *arrays()[1:]])
    model.save_weights(path)


@pytest.mark.parametrize(
    ("make", "name", "part"),
    [
        (zipped, "policy.pt", "zip archive"),
        (zipped, "a.weights.h5", "zip archive"),
        (lambda path: path.write_bytes(b"\x80\x04."), "policy.pkl", "pickle"),
        (array, "weights.npy", "NumPy array"),
        (lambda path: path.write_bytes(b""), "a.weights.h5", "an empty file"),
        (lambda path: path.write_text("hello"), "policy.h5", "not an HDF5"),
        (lambda path: None, "policy.h5", "no such file"),
        (lambda path: path.mkdir(), "policy.h5", "no such file"),
        (huge, "a.weights.h5", "shapes"),
        (huge_keras_2, "policy.h5", "shapes"),
        (linked, "policy.h5", "a link"),
        (external, "a.weights.h5", "another file"),
        (not_finite, "policy.h5", "finite"),
        (not_finite_keras_3, "a.weights.h5", "finite"),
        (lambda path: keras_2(path, arrays()[::-1]), "policy.h5", "shapes"),
        (lambda path: keras_2(path, arrays()[:2]), "policy.h5", "shapes"),
        (lambda path: keras_2(path, arrays(), backend="theano"), "policy.h5", "Theano"),
    ],
    ids=range(17),
)
def test_refusals_name_the_field_in_one_line(
    make: Any, name: str, part: str, tmp_path: Path
) -> None:
    make(tmp_path / name)
    with pytest.raises(UserError, match=r"^run=") as refused:
        load_weights(network(), tmp_path / name, "run")
    assert part in str(refused.value)
    assert len(str(refused.value).splitlines()) == 1
