"""One small network for things of a kind: it reads each with the same weights."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from models.build import build_model
from models.slots import Slot
from runner.agent.build import make_model
from runner.config import compose

DENSE = {"hidden": [], "activation": "relu", "scale": 1 / 255}
# Three things, each of two bytes of its own and one that all share.
THINGS = [Slot([k, 3 + k, 6], [(6, k, 0), (3 + k, None, 24 * k)]) for k in range(3)]


def said(slots, slot_hidden, window=2, n=7):
    """What the dense network is given besides its bytes: (B, (2 + slots) * outputs)."""
    keras.utils.set_random_seed(0)
    arguments = {**DENSE, "slots": slots, "slot_hidden": slot_hidden, "layer_norm": True}
    model = build_model("dense", (window, n), 1, arguments=arguments)
    features = keras.Model(model.input, model.layers[-2].output)
    return lambda states: features(states).numpy()[:, window * n :]


def test_what_is_read_of_a_thing():
    """Its bytes around 128, their bits, how they changed, its tiles; here without any layer."""
    slots = [Slot([0], [(0, 2, 0)]), Slot([1], [(1, None, 8)])]
    window = np.array([[[100, 0, 0], [96, 8, 80]]], np.uint8)
    first, second = np.zeros(42), np.zeros(42)
    first[[0, 2, 3, 9, 12]] = 96 / 64 - 2, 1, 1, -0.5, 1  # 96 is 01100000; 16 from 80: tile 2
    second[[0, 5, 9, 12]] = 8 / 64 - 2, 1, 1, 1  # 8 is 00001000; from 0, cut at 1; 8 and 8 is 16
    expected = [np.maximum(first, second), (first + second) / 2, first, second]
    actual = said(slots, [], n=3)(window)[0]
    np.testing.assert_allclose(actual, np.concatenate(expected), atol=1e-6)


@pytest.mark.parametrize("window", [1, 2, 4])
def test_what_is_learned_of_one_thing_counts_for_all(window):
    states = np.random.default_rng(0).integers(256, size=(5, window, 7), dtype=np.uint8)
    slots = [Slot([k, 3 + k, 6], [(6, k, 0)]) for k in range(3)]
    features = said(slots, [8, 4], window)
    greatest, mean, *each = np.split(features(states), 5, axis=1)
    np.testing.assert_allclose(greatest, np.max(each, axis=0), rtol=1e-6)
    np.testing.assert_allclose(mean, np.mean(each, axis=0), rtol=1e-5, atol=1e-6)
    changed = features(states[:, :, [2, 0, 1, 5, 3, 4, 6]])  # the third is the first now, and so on
    np.testing.assert_allclose(changed[:, :8], np.hstack([greatest, mean]), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(
        changed[:, 8:], np.hstack([each[2], each[0], each[1]]), rtol=1e-5, atol=1e-6
    )


@pytest.mark.parametrize(
    "slots", [[Slot([k], []) for k in range(3)], [Slot([], [(6, k, 0)]) for k in range(3)], THINGS]
)
def test_bytes_tiles_or_both(slots):
    states = np.random.default_rng(0).integers(256, size=(5, 2, 7), dtype=np.uint8)
    assert said(slots, [8, 4])(states).shape == (5, 20)


def test_bytes_are_named_by_their_address_also_where_only_some_are_seen():
    compose.register()
    slots = "model.slots=[{bytes:[30,36],tiles:[70-30]},{bytes:[36,30],tiles:[70+8]}]"
    seen = compose.load([slots, "obs.bytes=[30,36,70]", "memory.limit=20000"])
    whole = compose.load([slots, "memory.limit=20000"])
    outputs = []
    ram = np.random.default_rng(0).integers(256, size=(5, 3, 128), dtype=np.uint8)
    for config, states in ((seen, ram[:, :, [30, 36, 70]]), (whole, ram)):
        keras.utils.set_random_seed(0)
        model = make_model(config, states.shape[2:], 4)
        (layer,) = [k for k in model.layers if isinstance(k, keras.layers.GlobalMaxPooling1D)]
        outputs.append(keras.Model(model.input, layer.output)(states).numpy())
    np.testing.assert_allclose(*outputs, rtol=1e-5, atol=1e-6)
