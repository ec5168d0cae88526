"""Networks: bytes in, one Q-value per action out."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

from models.build import build_model
from models.dueling import DUELING_TYPES, Dueling
from models.heads import Head

NATURE = {
    "filters": [32, 64, 64],
    "kernels": [8, 4, 3],
    "strides": [4, 2, 1],
    "hidden": [512],
    "activation": "relu",
    "scale": 1 / 255,
}
SMALL_CONV = {**NATURE, "filters": [4, 4], "kernels": [4, 3], "strides": [2, 1], "hidden": [16]}
DENSE = {"hidden": [32, 16], "activation": "relu", "scale": 1 / 255}

# name, input, arguments
NETWORKS = [("conv", (3, 20, 24), SMALL_CONV), ("dense", (3, 128), DENSE)]


def random_bytes(shape, batch=5, seed=0, high=256):
    return np.random.default_rng(seed).integers(high, size=(batch, *shape), dtype=np.uint8)


def q_values(model, inputs):
    return model(inputs).numpy()


@pytest.mark.parametrize("dueling", ["none", *DUELING_TYPES])
@pytest.mark.parametrize(("name", "shape", "arguments"), NETWORKS)
def test_bytes_in_one_float_per_action_out(name, shape, arguments, dueling):
    model = build_model(name, shape, 4, arguments=arguments, head=Head(dueling))
    assert model.input.dtype == "uint8"
    assert model.input.shape == (None, *shape)
    assert model.output.shape == (None, 4)
    q = q_values(model, random_bytes(shape))
    assert q.shape == (5, 4)
    assert q.dtype == np.float32


@pytest.mark.parametrize(("name", "shape", "arguments"), NETWORKS)
def test_outputs_are_float32_in_half_precision(name, shape, arguments):
    model = build_model(name, shape, 4, arguments={**arguments, "dtype": "mixed_bfloat16"})
    assert q_values(model, random_bytes(shape)).dtype == np.float32
    assert {weight.dtype for weight in model.weights} == {"float32"}


@pytest.mark.parametrize(("name", "shape", "arguments"), NETWORKS)
def test_bytes_are_scaled_inside(name, shape, arguments):
    halved = build_model(name, shape, 4, arguments={**arguments, "scale": 0.5})
    plain = build_model(name, shape, 4, arguments={**arguments, "scale": 1.0})
    plain.set_weights(halved.get_weights())
    half = random_bytes(shape, high=128)
    np.testing.assert_allclose(q_values(halved, 2 * half), q_values(plain, half), rtol=1e-5)


def test_the_window_is_the_convolutions_channels():
    """The first convolution sums over the frames of the window, each with its own weights."""
    model = build_model("conv", (3, 20, 24), 4, arguments=SMALL_CONV)
    assert model.weights[0].shape == (4, 4, 3, 4)
    inputs = random_bytes((3, 20, 24))
    first = keras.Model(model.input, model.layers[3].output)
    kernel, bias = model.get_weights()[:2]
    patch = inputs[:, :, :4, :4].transpose(0, 2, 3, 1) / 255  # (B, 4, 4, window)
    expected = np.maximum(np.einsum("bhwc,hwcf->bf", patch, kernel) + bias, 0)
    np.testing.assert_allclose(q_values(first, inputs)[:, 0, 0], expected, atol=1e-5)


def test_the_nature_network_is_the_papers():
    model = build_model("conv", (4, 84, 84), 6, arguments=NATURE)
    # (84 - 8) / 4 + 1 = 20; (20 - 4) / 2 + 1 = 9; 9 - 3 + 1 = 7
    # 8*8*4*32 + 32 = 8,224; 4*4*32*64 + 64 = 32,832; 3*3*64*64 + 64 = 36,928
    # 7*7*64*512 + 512 = 1,606,144; 512*6 + 6 = 3,078
    assert model.count_params() == 1_687_206


def test_the_ram_network_is_the_tutorials():
    arguments = {"hidden": [512, 128], "activation": "relu", "scale": 1 / 255}
    model = build_model("dense", (3, 128), 6, arguments=arguments)
    # 384*512 + 512 = 197,120; 512*128 + 128 = 65,664; 128*6 + 6 = 774
    assert model.count_params() == 263_558


def test_a_dueling_head_has_one_more_output_than_actions():
    model = build_model("dense", (3, 128), 6, arguments=DENSE, head=Head("avg"))
    assert [tuple(weight.shape) for weight in model.weights[-2:]] == [(16, 7), (7,)]
    # The plain output layer is replaced, not stacked upon.
    assert len(model.weights) == 2 * 3


@pytest.mark.parametrize(
    ("kind", "baseline"),
    [
        ("avg", lambda a: a.mean(axis=1, keepdims=True)),
        ("max", lambda a: a.max(axis=1, keepdims=True)),
        ("naive", lambda a: 0.0),
    ],
)
def test_dueling_is_value_plus_advantage_less_a_baseline(kind, baseline):
    inputs = np.random.default_rng(0).normal(size=(7, 5)).astype(np.float32)
    value, advantage = inputs[:, :1], inputs[:, 1:]
    layer = Dueling(kind)
    np.testing.assert_allclose(
        q_values(layer, inputs), value + advantage - baseline(advantage), rtol=1e-5, atol=1e-6
    )
    assert layer.compute_output_shape((None, 5)) == (None, 4)


def test_an_unknown_kind_of_dueling_is_refused():
    with pytest.raises(ValueError, match="kind='best': expected one of avg, max, naive"):
        Dueling("best")


def through_json(model, folder):
    return keras.models.model_from_json(model.to_json())


def through_clone(model, folder):
    return keras.models.clone_model(model)


def through_file(model, folder):
    model.save(folder / "model.keras")
    return keras.models.load_model(folder / "model.keras")


@pytest.mark.parametrize("copied", [through_json, through_clone, through_file])
@pytest.mark.parametrize("dueling", ["none", *DUELING_TYPES])
@pytest.mark.parametrize(("name", "shape", "arguments"), NETWORKS)
def test_a_network_comes_back_the_same(tmp_path, name, shape, arguments, dueling, copied):
    model = build_model(name, shape, 4, arguments=arguments, head=Head(dueling))
    again = copied(model, tmp_path)
    if copied is not through_file:
        again.set_weights(model.get_weights())
    inputs = random_bytes(shape)
    np.testing.assert_array_equal(q_values(again, inputs), q_values(model, inputs))
    assert json.loads(again.to_json())["config"] == json.loads(model.to_json())["config"]


@pytest.fixture
def own_network(monkeypatch):
    """Makes ``own_network`` importable, as a user's file in the working directory is."""
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    yield "own_network"
    sys.modules.pop("own_network", None)


@pytest.mark.parametrize("dueling", ["none", "avg"])
def test_a_users_sequential_network(own_network, dueling):
    model = build_model(f"{own_network}:sequential", (2, 8), 3, arguments={}, head=Head(dueling))
    assert model.predict_on_batch(np.zeros((5, 2, 8), np.uint8)).shape == (5, 3)


@pytest.mark.parametrize("dueling", ["none", "avg"])
def test_a_users_own_network(own_network, dueling):
    model = build_model(
        f"{own_network}:linear", (2, 8), 3, arguments={"scale": 0.5}, head=Head(dueling)
    )
    assert q_values(model, random_bytes((2, 8))).shape == (5, 3)
    assert model.layers[1].scale == 0.5


@pytest.mark.parametrize(
    ("function", "reason"),
    [
        ("own_network:missing", "cannot be found"),
        ("own_network:sequential_without_input", "expected an Input layer"),
        ("no_such_module:linear", "cannot be found"),
        ("own_network:one_output_too_many", r"output \(None, 4\): expected \(None, 3\)"),
    ],
)
def test_a_network_that_does_not_fit_is_refused(own_network, function, reason):
    with pytest.raises(ValueError, match=reason):
        build_model(function, (2, 8), 3, arguments={})
