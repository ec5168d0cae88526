"""Networks: bytes to one Q-value per action."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

from models.adapting import adapting
from models.build import build_model
from models.dueling import DUELING_TYPES, Dueling
from models.heads import Head
from models.inputs.scaled import Scaled
from models.seen import Seen
from runner.agent.build import make_model
from runner.settings import compose

NATURE = {
    "filters": [32, 64, 64],
    "kernels": [8, 4, 3],
    "strides": [4, 2, 1],
    "hidden": [512],
    "activation": "relu",
    "scale": 1 / 255,
}
SMALL_CONV = {**NATURE, "filters": [4, 4], "kernels": [4, 3], "strides": [2, 1], "hidden": [16]}
PER_FRAME = {**SMALL_CONV, "per_frame": True, "conv_bias": False}
DENSE = {"hidden": [32, 16], "activation": "relu", "inputs": [Scaled()]}

# name, input, arguments
NETWORKS = [
    ("conv", (3, 20, 24), SMALL_CONV),
    ("conv", (3, 20, 24, 3), {**SMALL_CONV, "conv_initializer": "he_untruncated_normal"}),
    ("conv", (3, 20, 24), PER_FRAME),
    ("conv", (3, 20, 24, 3), PER_FRAME),
    ("dense", (3, 128), DENSE),
]


def random_bytes(shape, batch=5, seed=0, high=256):
    return np.random.default_rng(seed).integers(high, size=(batch, *shape), dtype=np.uint8)


def q_values(model, inputs):
    return model(inputs).numpy()


@pytest.mark.parametrize("dueling", ["none", *DUELING_TYPES])
@pytest.mark.parametrize(("name", "shape", "arguments"), NETWORKS)
def test_networks_map_bytes_to_one_float_per_action(name, shape, arguments, dueling):
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
def test_bytes_are_scaled_inside_the_network(name, shape, arguments):
    def build(factor):
        own = {"inputs": [Scaled(factor=factor)]} if name == "dense" else {"scale": factor}
        return build_model(name, shape, 4, arguments={**arguments, **own})

    halved, plain = build(0.5), build(1.0)
    plain.set_weights(halved.get_weights())
    half = random_bytes(shape, high=128)
    np.testing.assert_allclose(q_values(halved, 2 * half), q_values(plain, half), rtol=1e-5)


def test_the_window_is_the_convolutions_channels():
    """The first convolution sums over the window's frames, with separate weights per frame."""
    model = build_model("conv", (3, 20, 24), 4, arguments=SMALL_CONV)
    assert model.weights[0].shape == (4, 4, 3, 4)
    inputs = random_bytes((3, 20, 24))
    first = keras.Model(model.input, model.layers[3].output)
    kernel, bias = model.get_weights()[:2]
    patch = inputs[:, :, :4, :4].transpose(0, 2, 3, 1) / 255  # (B, 4, 4, window)
    expected = np.maximum(np.einsum("bhwc,hwcf->bf", patch, kernel) + bias, 0)
    np.testing.assert_allclose(q_values(first, inputs)[:, 0, 0], expected, atol=1e-5)


def test_color_channels_are_ordered_by_window_then_color():
    model = build_model("conv", (3, 20, 24, 2), 4, arguments=SMALL_CONV)
    kernel, bias = model.get_weights()[:2]
    assert kernel.shape == (4, 4, 3 * 2, 4)
    inputs = random_bytes((3, 20, 24, 2))
    first = keras.Model(model.input, next(x for x in model.layers if "conv" in x.name).output)
    patch = inputs[:, :, :4, :4] / 255  # (B, window, 4, 4, colours)
    by_frame = kernel.reshape(4, 4, 3, 2, 4)
    expected = np.maximum(np.einsum("bwhvc,hvwcf->bf", patch, by_frame) + bias, 0)
    np.testing.assert_allclose(q_values(first, inputs)[:, 0, 0], expected, atol=1e-5)


def test_per_frame_convolutions_share_weights():
    """The features of a window are the concatenated features of its frames."""
    arguments = {**PER_FRAME, "hidden": [5]}
    shape, window = (20, 24, 3), 3
    model = build_model("conv", (window, *shape), 4, arguments=arguments)
    one = build_model("conv", (1, *shape), 4, arguments=arguments)
    convolutions = len(SMALL_CONV["filters"])
    one.set_weights(model.get_weights()[:convolutions] + one.get_weights()[convolutions:])
    inputs = random_bytes((window, *shape))

    def features(network, states):
        dense = next(layer for layer in network.layers if "dense" in layer.name)
        return q_values(keras.Model(network.input, dense.input), states)

    by_frame = [features(one, inputs[:, i : i + 1]) for i in range(window)]
    expected = np.concatenate(by_frame, axis=1)
    np.testing.assert_allclose(features(model, inputs), expected, rtol=1e-5, atol=1e-6)


# Networks of the five tutorials and Mnih et al. 2013, counted by hand: kernel * kernel * inputs *
# filters and biases per convolution, then inputs * units + units per dense layer.
BY_HAND = [
    # 210x160 -> 51x39 -> 24x18 -> 22x16 per screen (three); dueling head 256 * (6 + 1) + 7
    (
        "raw_frames", (3, 210, 160, 3), 6, "avg",
        [8 * 8 * 3 * 32 + 32, 4 * 4 * 32 * 64 + 64, 3 * 3 * 64 * 64 + 64,
         3 * 22 * 16 * 64 * 512 + 512, 512 * 256 + 256, 256 * 7 + 7],
    ),
    ("dense", (3, 128), 6, "avg", [384 * 512 + 512, 512 * 128 + 128, 128 * 7 + 7]),
    # 105x80 -> 25x19 -> 12x9 -> 5x4
    (
        "pong_elu", (4, 105, 80), 6, "none",
        [8 * 8 * 4 * 32 + 32, 3 * 3 * 32 * 64 + 64, 3 * 3 * 64 * 64 + 64,
         5 * 4 * 64 * 512 + 512, 512 * 6 + 6],
    ),
    # 84x84 -> 10x10 -> 2x2 -> 1x1
    (
        "blocks", (4, 84, 84), 4, "none",
        [8 * 8 * 4 * 32 + 32, 4 * 4 * 32 * 64 + 64, 2 * 2 * 64 * 128 + 128,
         128 * 512 + 512, 512 * 4 + 4],
    ),
    # 84x84 -> 20x20 -> 9x9 -> 7x7, no biases
    (
        "nature_no_bias", (4, 84, 84), 4, "none",
        [8 * 8 * 4 * 32, 4 * 4 * 32 * 64, 3 * 3 * 64 * 64, 7 * 7 * 64 * 512 + 512, 512 * 4 + 4],
    ),
    # 84x84 -> 20x20 -> 9x9
    (
        "nips", (4, 84, 84), 4, "none",
        [8 * 8 * 4 * 16 + 16, 4 * 4 * 16 * 32 + 32, 9 * 9 * 32 * 256 + 256, 256 * 4 + 4],
    ),
]  # fmt: skip


@pytest.mark.parametrize(
    ("option", "shape", "nb_actions", "dueling", "weights"), BY_HAND, ids=lambda v: str(v)[:20]
)
def test_networks_have_the_published_sizes(option, shape, nb_actions, dueling, weights):
    obs = "ram" if option == "dense" else "pixel"
    typed = [f"model={option}", f"agent.dueling={dueling}", f"obs.window={shape[0]}"]
    config = compose.load(["agent=dqn", "memory.limit=20000", f"obs={obs}", *typed])
    model = make_model(config, shape[1:], nb_actions)
    kernels = [w.shape for w in model.weights if len(w.shape) > 1]
    biases = [w.shape for w in model.weights if len(w.shape) == 1]
    assert model.count_params() == sum(weights)
    assert len(kernels) == len(weights)
    assert len(biases) == len(weights) - (3 if option == "nature_no_bias" else 0)


def test_model_both_depends_on_ram_and_screen():
    config = compose.load(["memory.limit=20000", "obs=both", "obs.height=36", "obs.width=36"])
    model = make_model(config, (128 + 36 * 36,), 4)
    windows = np.random.default_rng(0).integers(256, size=(64, 4, 128 + 36 * 36), dtype=np.uint8)
    for layer in adapting(model):
        layer.adapt(Seen(windows, np.zeros(64, np.int32), windows[:, -1]))
        assert layer.is_adapted
    q_values = model.predict_on_batch(windows)
    for changed in (slice(0, 128), slice(128, None)):
        other = windows.copy()
        other[:, -1, changed] = 255 - other[:, -1, changed]
        assert np.abs(model.predict_on_batch(other) - q_values).max() > 1e-3


def test_the_raw_screen_network_has_34_8_million_weights():
    *_, weights = BY_HAND[0]
    assert sum(weights) == 34_812_583


# Variance of a weight, in units of 1 / inputs, and whether it is truncated at two deviations.
INITIALIZERS = {
    "he_normal": (2.0, True),
    "he_untruncated_normal": (2.0, False),
    "lecun_normal": (1.0, True),
}


@pytest.mark.parametrize("name", INITIALIZERS)
def test_initial_weights(name):
    variance, truncated = INITIALIZERS[name]
    arguments = {**NATURE, "conv_initializer": name, "dense_initializer": name}
    model = build_model("conv", (4, 84, 84), 6, arguments=arguments)
    kernels = [w for w in model.get_weights() if w.ndim > 1]
    for kernel in kernels:
        inputs = np.prod(kernel.shape[:-1])
        assert kernel.var() * inputs == pytest.approx(variance, rel=0.1)
    # Keras widens the deviation before truncation, so that the variance is correct.
    largest = np.abs(kernels[3]).max() / kernels[3].std()
    assert (largest < 2 / 0.87962566 + 0.01) == truncated


def test_layers_have_distinct_initial_weights():
    arguments = {**DENSE, "hidden": [8, 8, 8], "dense_initializer": "he_untruncated_normal"}
    weights = build_model("dense", (1, 8), 8, arguments=arguments).get_weights()[::2]
    assert all(w.shape == (8, 8) for w in weights)
    assert len({w.tobytes() for w in weights}) == len(weights)


def test_the_nature_network_matches_the_paper():
    model = build_model("conv", (4, 84, 84), 6, arguments=NATURE)
    # (84 - 8) / 4 + 1 = 20; (20 - 4) / 2 + 1 = 9; 9 - 3 + 1 = 7
    # 8*8*4*32 + 32 = 8,224; 4*4*32*64 + 64 = 32,832; 3*3*64*64 + 64 = 36,928
    # 7*7*64*512 + 512 = 1,606,144; 512*6 + 6 = 3,078
    assert model.count_params() == 1_687_206


def test_the_ram_network_matches_the_tutorial():
    model = build_model("dense", (3, 128), 6, arguments={**DENSE, "hidden": [512, 128]})
    # 384*512 + 512 = 197,120; 512*128 + 128 = 65,664; 128*6 + 6 = 774
    assert model.count_params() == 263_558


def test_a_dueling_head_has_one_more_output_than_actions():
    model = build_model("dense", (3, 128), 6, arguments=DENSE, head=Head("avg"))
    assert [tuple(weight.shape) for weight in model.weights[-2:]] == [(16, 7), (7,)]
    # The head replaces the plain output layer.
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
def test_a_saved_network_is_restored_exactly(tmp_path, name, shape, arguments, dueling, copied):
    model = build_model(name, shape, 4, arguments=arguments, head=Head(dueling))
    again = copied(model, tmp_path)
    if copied is not through_file:
        again.set_weights(model.get_weights())
    inputs = random_bytes(shape)
    np.testing.assert_array_equal(q_values(again, inputs), q_values(model, inputs))
    assert json.loads(again.to_json())["config"] == json.loads(model.to_json())["config"]


@pytest.fixture
def own_network(monkeypatch):
    """Makes ``own_network`` importable, like a user's file in the working directory."""
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    yield "own_network"
    sys.modules.pop("own_network", None)


@pytest.mark.parametrize("dueling", ["none", "avg"])
def test_a_custom_sequential_network(own_network, dueling):
    model = build_model(f"{own_network}:sequential", (2, 8), 3, arguments={}, head=Head(dueling))
    assert model.predict_on_batch(np.zeros((5, 2, 8), np.uint8)).shape == (5, 3)


@pytest.mark.parametrize("dueling", ["none", "avg"])
def test_a_custom_network(own_network, dueling):
    model = build_model(
        f"{own_network}:linear", (2, 8), 3, arguments={"scale": 0.5}, head=Head(dueling)
    )
    assert q_values(model, random_bytes((2, 8))).shape == (5, 3)
    assert model.layers[1].scale == 0.5


def test_a_custom_network_for_windows_of_any_length(own_network):
    model = build_model(f"{own_network}:any_window", (2, 8), 3, arguments={})
    assert q_values(model, random_bytes((2, 8))).shape == (5, 3)


@pytest.mark.parametrize(
    ("function", "reason"),
    [
        ("own_network:missing", "cannot be found"),
        ("own_network:sequential_without_input", "expected an Input layer"),
        ("no_such_module:linear", "cannot be found"),
        ("own_network:one_output_too_many", r"output \(None, 4\): expected \(None, 3\)"),
        ("own_network:nothing", "returned None: expected a Sequential or functional"),
        ("own_network:two_outputs", "expected a Sequential or functional keras.Model with one"),
        ("own_network:subclassed", "expected a Sequential or functional keras.Model with one"),
        ("own_network:other_input", r"expected shape=\(None, 7, 9\), found shape=\(None, 2, 8\)"),
    ],
)
def test_a_network_that_does_not_fit_is_refused(own_network, function, reason):
    with pytest.raises(ValueError, match=reason):
        build_model(function, (2, 8), 3, arguments={})


def test_color_channels_are_stacked_by_frame():
    """Equivalent to a network on window * 3 grey screens, ordered by frame."""
    colour = build_model("conv", (2, 20, 24, 3), 4, arguments=SMALL_CONV)
    grey = build_model("conv", (6, 20, 24), 4, arguments=SMALL_CONV)
    grey.set_weights(colour.get_weights())
    inputs = random_bytes((2, 20, 24, 3))
    screens = np.moveaxis(inputs, -1, 2).reshape(-1, 6, 20, 24)  # frame 0 R, G, B, frame 1 ...
    np.testing.assert_allclose(
        q_values(colour, inputs), q_values(grey, screens), rtol=1e-5, atol=1e-6
    )
