"""Encoders: inputs of dense networks."""

from __future__ import annotations

import re
import subprocess
import sys
import types
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from played import LANES, in_nibbles, moving, one_byte, seen_in

import models.inputs
from models.adapting import adapting
from models.codes import COUNT
from models.dense import dense_network
from models.gains import Gains
from models.inputs import encoders
from models.inputs.bits import Bits
from models.inputs.changes import Changes
from models.inputs.places import Places
from models.inputs.scaled import Scaled
from models.inputs.standardized import Standardized
from models.positions import Position, find_positions, pixels
from models.ram import Ram
from models.setting import check_fields
from runner.keras_rl2 import clone_model

RAM = Ram({"ball_x": 0, "paddle_x": 1, "ball_y": 2})


def network(*inputs, shape=(2, 3), ram=RAM, **arguments):
    keras.utils.set_random_seed(0)
    arguments = {"hidden": [], "activation": "relu", **arguments}
    return dense_network(shape, 1, inputs=inputs, ram=ram, **arguments)


def read_by(*inputs, **arguments):
    """A function from windows to the first layer's inputs: (B, features)."""
    model = network(*inputs, **arguments)
    features = keras.Model(model.input, model.layers[-1].input)
    return lambda states: features(np.asarray(states, np.uint8)).numpy()


def test_encoders_are_found_by_their_files_without_keras():
    code = "import sys, models.inputs as i; print(*i.encoders(), 'keras' in sys.modules)"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.split() == [*encoders(), "False"]
    assert {"scaled", "standardized", "changes", "bits", "places"} <= set(encoders())


def test_scaled():
    window = [[[0, 51, 102], [153, 204, 255]]]
    np.testing.assert_allclose(read_by(Scaled())(window)[0], np.arange(6) / 5, rtol=1e-6)
    newest = read_by(Scaled(factor=2.0, frames="newest"))(window)
    np.testing.assert_allclose(newest[0], [306, 408, 510])


def test_standardized():
    model = network(Standardized(frames="all"))
    (layer,) = adapting(model)
    assert not layer.is_adapted
    seen = np.array([[0, 7, 100], [200, 7, 104]], np.uint8)  # mean 100, 7, 102; deviation 100, 0, 2
    layer.adapt(seen_in(seen[:, None]))
    assert layer.is_adapted
    features = keras.Model(model.input, model.layers[-2].output)
    window = np.array([[[0, 7, 102], [150, 23, 255]]], np.uint8)
    # Constant bytes count as uniform, any deviation as at least 16; results are clipped at 5.
    np.testing.assert_allclose(features(window)[0], [-1, 0, 0, 0.5, 16 / 73.9, 5], rtol=1e-6)


def test_changes():
    """Four observations of two bytes: one that wraps at 255, one that jumps."""
    window = [[[250, 0], [255, 255], [1, 100], [0, 108]]]
    # From 0 to 255 is -1; from 255 to 100 is +101, the shorter way round, and clipped.
    expected = [5 / 8, -1 / 8, 2 / 8, 1, -1 / 8, 1]
    np.testing.assert_allclose(read_by(Changes(), shape=(4, 2))(window)[0], expected, rtol=1e-6)


@pytest.mark.parametrize(
    ("encoder", "expected"),
    [
        (Bits(of=None), [[1, 51, 130]]),
        (Bits(of=["ball_y", 0]), [[130, 1]]),
        (Bits(of=[1], frames="all"), [[4], [51]]),
    ],
)
def test_bits(encoder, expected):
    window = [[[3, 4, 5], [1, 51, 130]]]
    bits = np.unpackbits(np.array(expected, np.uint8), axis=-1).ravel()
    np.testing.assert_array_equal(read_by(encoder)(window)[0], bits)


def test_bits_found_are_read():
    seen = one_byte(LANES)
    model = network(Bits(), shape=(1, 1))
    (layer,) = adapting(model)
    features = keras.Model(model.input, model.layers[-2].output)
    assert not features(seen.windows).numpy().any()  # before adapting
    layer.adapt(seen)
    bits = features(seen.windows).numpy()
    expected = seen.windows[:, 0] >> [bit.bit for bit in layer.found] & 1
    np.testing.assert_array_equal(bits[:, :3], expected)
    assert bits.shape[1] == COUNT
    assert not bits[:, 3:].any()


@pytest.mark.parametrize(
    ("newest", "place", "tiles"),
    [
        ([16, 0, 0], "ball_x", {2: 1.0}),  # the centre of tile 2
        ([18, 0, 0], 0, {2: 0.75, 3: 0.25}),
        ([255, 0, 0], "0", {31: 0.125, 0: 0.875}),  # wraps from 255 to 0
        ([30, 14, 0], "ball_x - paddle_x", {2: 1.0}),
        ([14, 30, 0], "0-1", {30: 1.0}),  # -16 is 240 modulo 256
        ([10, 0, 250], "0 - ball_y", {2: 1.0}),  # 10 - 250 is 16 modulo 256
    ],
)
def test_places_as_tiles(newest, place, tiles):
    expected = np.zeros(32)
    expected[list(tiles)] = list(tiles.values())
    actual = read_by(Places(of=[place]))([[[99, 98, 97], newest]])  # only the newest counts
    np.testing.assert_allclose(actual[0], expected, rtol=1e-6)


def test_found_positions_are_read_like_named_ones():
    """Automatic places of two positions: both, and their difference."""
    seen = moving("still", "walk", "flag", "clock", "copy")
    model = network(Places(count=2), shape=(3, 6))
    (layer,) = adapting(model)
    layer.adapt(seen_in(seen))
    assert sorted(layer.found) == [(0, False), (2, False)]
    positions = Places(of=[byte for byte, _ in layer.found])
    features = keras.Model(model.input, model.layers[-2].output)
    tiles = features(seen).numpy()
    named = read_by(positions, shape=(3, 6), ram=Ram())(seen)
    np.testing.assert_allclose(tiles[:, :64], named, atol=1e-6)
    newest = seen[:, -1].astype(int)
    near = (newest[:, layer.found[0].byte] - newest[:, layer.found[1].byte]) % 256 == 0
    assert tiles.shape[1] == 64 + 16
    np.testing.assert_allclose(tiles[near][:, 64 + 7], 1.0)  # the tile around 0


@pytest.mark.parametrize(
    ("byte", "pixel"),
    # The high nibble moves left by single pixels; after -8 the next block of 15 pixels begins.
    [(0x71, 8), (0x61, 9), (0x01, 15), (0xF1, 16), (0x81, 23), (0x72, 23), (0x00, 0), (0x70, -7)],
)
def test_pixels_of_tia_bytes(byte, pixel):
    assert pixels(byte) == pixel
    assert pixels(tf.constant(float(byte))).numpy() == pixel


def test_positions_in_tia_format():
    """A byte that moves both ways in TIA format, one with its high nibble only, and noise."""
    path = np.abs(np.arange(4000) * 2 % 280 - 140) + 4
    noise = np.random.default_rng(0).integers(256, size=4000)
    columns = [noise, in_nibbles(path), in_nibbles(path) & 0xF0]
    windows = np.stack(columns, axis=-1).astype(np.uint8).reshape(1000, 4, 3)
    assert find_positions(seen_in(windows), count=2)[0] == Position(1, nibbles=True)
    model = network(Places(count=1), shape=(4, 3))
    (layer,) = adapting(model)
    layer.adapt(seen_in(windows))
    assert layer.found == [Position(1, nibbles=True)]
    features = keras.Model(model.input, model.layers[-2].output)
    newest = path.reshape(1000, 4)[:, -1]
    expected = np.maximum(0, 1 - abs(newest[:, None] - np.arange(0, 256, 8)) / 8)
    np.testing.assert_allclose(features(windows), expected, atol=1e-6)


def test_an_encoder_is_one_file():
    """The example in CONTRIBUTING, unchanged."""
    text = (Path(__file__).parents[2] / "CONTRIBUTING.md").read_text()
    (code,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    path = Path(models.inputs.__file__).with_name("parity.py")
    module = types.ModuleType("models.inputs.parity")
    sys.modules[module.__name__] = module
    try:
        exec(compile(code, path, "exec"), module.__dict__)
        encoder = module.Parity(frames="all")
        check_fields(encoder, "model.inputs[0]")
        np.testing.assert_array_equal(
            read_by(encoder)([[[1, 2, 3], [4, 5, 6]]]), [[1, 0, 1, 0, 1, 0]]
        )
        with pytest.raises(ValueError, match=r"model.inputs\[0\].frames=last: expected one of all"):
            check_fields(module.Parity(frames="last"), "model.inputs[0]")
    finally:
        del sys.modules[module.__name__]


def test_missing_positions_are_masked():
    seen = moving("still", "flag")
    model = network(Places(count=3), shape=(3, 3))
    (layer,) = adapting(model)
    features = keras.Model(model.input, model.layers[-2].output)
    assert not features(seen).numpy().any()  # before adapting
    layer.adapt(seen_in(seen))
    assert layer.found == [Position(0)]
    tiles = features(seen).numpy()
    np.testing.assert_allclose(tiles[:, :32].sum(axis=-1), 1.0, rtol=1e-6)
    assert not tiles[:, 32:].any()


@pytest.mark.parametrize(
    ("encoder", "seen", "weight"),
    [(Places(), seen_in(moving("walk")), "bytes"), (Bits(), one_byte(LANES), "bits")],
)
def test_what_is_found_is_stored_in_weights(encoder, seen, weight):
    """Clones, files and soft updates carry it; gradients do not."""
    windows = seen.windows
    model = network(encoder, shape=windows.shape[1:])
    (layer,) = adapting(model)
    layer.adapt(seen)
    assert layer.found
    clone = clone_model(model)
    (cloned,) = adapting(clone)
    assert (cloned.found, cloned.is_adapted) == (layer.found, True)
    theirs, ours = getattr(cloned, weight), getattr(layer, weight)
    theirs.assign(0.999 * theirs + 0.001 * ours)  # a soft update
    np.testing.assert_allclose(clone(windows), model(windows), rtol=1e-5)
    assert not {weight.path for weight in layer.weights} & {
        weight.path for weight in model.trainable_weights
    }


def test_each_input_has_a_learned_gain():
    model = network(Scaled(), shape=(2, 2), gains=True)
    (gains,) = [layer for layer in model.layers if isinstance(layer, Gains)]
    window = np.array([[[51, 102], [153, 204]]], np.uint8)
    features = keras.Model(model.input, gains.output)
    np.testing.assert_allclose(features(window)[0], [0.2, 0.4, 0.6, 0.8], rtol=1e-6)  # unit gain
    gains.set_weights([np.array([0.1, -0.1, 0.0, 0.2], np.float32)])
    expected = [0.2 * np.e, 0.4 / np.e, 0.6, 0.8 * np.e**2]
    np.testing.assert_allclose(features(window)[0], expected, rtol=1e-6)
    assert gains.trainable_weights


def test_tiles_have_a_separate_product():
    """Two products sum to the product of the concatenated inputs; tiles have no gains."""
    inputs = [Places(of=[0, "0-1"]), Scaled()]
    model = network(*inputs, hidden=[4], gains=True, activation="elu")
    (gains,) = [layer for layer in model.layers if isinstance(layer, Gains)]
    assert gains.log_gain.shape == (6,)
    with_bias, without = [layer for layer in model.layers if "dense" in layer.name]
    assert (with_bias.use_bias, without.use_bias) == (True, False)
    states = moving("walk", "still", window=2)
    x = np.concatenate([read_by(Scaled())(states), read_by(inputs[0])(states)], axis=1)
    hidden = x @ np.concatenate([with_bias.kernel, without.kernel]) + with_bias.bias
    expected = np.where(hidden > 0, hidden, np.exp(hidden) - 1)
    q_values = model.layers[-1]
    expected = expected @ np.asarray(q_values.kernel) + np.asarray(q_values.bias)
    np.testing.assert_allclose(model(states), expected, rtol=1e-4, atol=1e-5)


ALL = [
    Scaled(), Standardized(), Changes(), Bits(of=[1]), Bits(), Places(of=["0-1"]), Places(),
]  # fmt: skip


def test_addresses_are_valid_with_masked_bytes():
    """The same network on all 128 bytes and on three of them, addressed by name and number."""
    encoder, places = Bits(of=["x", 36], frames="all"), Places(of=["x", "70 - x"])
    names, seen = {"x": 30}, [30, 36, 70]
    states = np.random.default_rng(0).integers(256, size=(5, 3, 128), dtype=np.uint8)
    whole = read_by(encoder, places, shape=(3, 128), ram=Ram(names))(states)
    some = read_by(encoder, places, shape=(3, 3), ram=Ram(names, seen))(states[:, :, seen])
    np.testing.assert_allclose(some, whole, rtol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("dtype", ["float32", "mixed_bfloat16"])
def test_all_encoders_together_compiled_and_cloned(dtype):
    model = network(*ALL, shape=(2, 5), ram=Ram(), dtype=dtype, gains=True)
    for layer in adapting(model):
        layer.adapt(seen_in(moving("walk", "flag", "walk", "still")))
    states = np.random.default_rng(0).integers(256, size=(5, 2, 5), dtype=np.uint8)
    expected = model(states)
    assert expected.dtype == "float32"
    assert {weight.dtype for weight in model.weights} == {"float32"}
    tolerance = 1e-5 if dtype == "float32" else 0.05
    np.testing.assert_allclose(clone_model(model)(states), expected, rtol=1e-6)
    compiled = tf.function(model, jit_compile=True)(states)
    np.testing.assert_allclose(compiled, expected, rtol=tolerance, atol=tolerance)
