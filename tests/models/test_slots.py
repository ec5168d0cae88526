"""One small network for things of a kind: it reads each with the same weights."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from models.build import build_model
from models.slots import Slot
from runner.agent.build import make_model
from runner.settings import compose

DENSE = {"hidden": [], "activation": "relu", "scale": 1 / 255}


def said(slots, slot_hidden, window=2, n=7):
    """What the dense network is given besides its bytes: (B, (2 + slots) * outputs)."""
    keras.utils.set_random_seed(0)
    arguments = {**DENSE, "slots": slots, "slot_hidden": slot_hidden, "layer_norm": True}
    model = build_model("dense", (window, n), 1, arguments=arguments)
    features = keras.Model(model.input, model.layers[-2].output)
    return lambda states: features(states).numpy()[:, window * n :]


def test_what_is_read_of_a_thing():
    """Numbers and how they changed, bits, tiles; here without any layer."""
    byte, difference = (1, None, 24), (0, 2, 0)
    slots = [Slot([byte], [0], [difference]), Slot([difference], [1], [byte])]
    window = np.array([[[100, 4, 30], [96, 8, 80]]], np.uint8)
    of_byte = [(8 + 24 - 128) / 64, 4 / 8]
    of_difference = [(96 - 80) / 64, -1.0]  # 70 before: a change of -54 is cut
    first = [*of_byte, 0, 1, 1, 0, 0, 0, 0, 0, *np.eye(32)[2]]  # 96 is 01100000
    second = [*of_difference, 0, 0, 0, 0, 1, 0, 0, 0, *np.eye(32)[4]]
    expected = [np.maximum(first, second), np.mean([first, second], axis=0), first, second]
    actual = said(slots, [], n=3)(window)[0]
    np.testing.assert_allclose(actual, np.concatenate(expected), atol=1e-6)


def test_numbers_are_on_a_ring():
    """From 250 on to 2 is a change of 8, 250 less 2 is 8 below, 250 and 24 more is 18."""
    slots = [Slot([(0, None, 0), (0, 1, 0), (1, None, 24)], [], [])]
    window = np.array([[[250, 2], [2, 250]]], np.uint8)
    expected = [(2 - 128) / 64, 8 / 64, (18 - 128) / 64, 1, 1, -1]
    actual = said(slots, [], n=2)(window)[0]
    np.testing.assert_allclose(actual, expected * 3, atol=1e-6)


@pytest.mark.parametrize("window", [1, 2, 4])
def test_what_is_learned_of_one_thing_counts_for_all(window):
    states = np.random.default_rng(0).integers(256, size=(5, window, 7), dtype=np.uint8)
    slots = [Slot([(k, None, 0)], [3 + k, 6], [(6, k, 0)]) for k in range(3)]
    features = said(slots, [8, 4], window)
    greatest, mean, *each = np.split(features(states), 5, axis=1)
    np.testing.assert_allclose(greatest, np.max(each, axis=0), rtol=1e-6)
    np.testing.assert_allclose(mean, np.mean(each, axis=0), rtol=1e-5, atol=1e-6)
    moved = features(states[:, :, [2, 0, 1, 5, 3, 4, 6]])  # the third is the first now, and so on
    expected = np.hstack([greatest, mean, each[2], each[0], each[1]])
    np.testing.assert_allclose(moved, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("part", range(3), ids=["numbers", "bits", "tiles"])
def test_a_slot_may_have_one_part_only(part):
    states = np.random.default_rng(0).integers(256, size=(5, 2, 7), dtype=np.uint8)
    parts = [[(k, None, 0), k, (6, k, 0)][part] for k in range(3)]
    slots = [Slot(*([x] if i == part else [] for i in range(3))) for x in parts]
    assert said(slots, [8, 4])(states).shape == (5, 20)


def test_bytes_are_named_by_their_address_also_where_only_some_are_seen():
    compose.register()
    slots = (
        "model.slots=[{numbers:[30],bits:[36],tiles:[70-30]},"
        "{numbers:[36-30],bits:[70],tiles:[70+8]}]"
    )
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
