"""Custom networks that the tests name by dotted path."""

from __future__ import annotations

import keras


def linear(input_shape, nb_actions, *, scale=1.0):
    inputs = keras.Input(input_shape, dtype="uint8")
    features = keras.layers.Flatten()(keras.layers.Rescaling(scale)(inputs))
    return keras.Model(inputs, keras.layers.Dense(nb_actions)(features))


def sequential(input_shape, nb_actions):
    layers = keras.layers
    return keras.Sequential([keras.Input(input_shape), layers.Flatten(), layers.Dense(nb_actions)])


def sequential_without_input(input_shape, nb_actions):
    return keras.Sequential([keras.layers.Flatten(), keras.layers.Dense(nb_actions)])


def one_output_too_many(input_shape, nb_actions):
    return linear(input_shape, nb_actions + 1)


def nothing(input_shape, nb_actions):
    """Lacks the return statement."""
    linear(input_shape, nb_actions)


def two_outputs(input_shape, nb_actions):
    model = linear(input_shape, nb_actions)
    return keras.Model(model.input, [model.output, model.output])


def subclassed(input_shape, nb_actions):
    class Network(keras.Model):
        pass

    return Network()


def other_input(input_shape, nb_actions):
    return linear((7, 9), nb_actions)


def any_window(input_shape, nb_actions):
    inputs = keras.Input((None, *input_shape[1:]), dtype="uint8")
    newest = keras.layers.Rescaling(1.0)(inputs)[:, -1]
    return keras.Model(inputs, keras.layers.Dense(nb_actions)(newest))
