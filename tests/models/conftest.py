"""Imports TensorFlow quietly, before Keras."""

from runner import tensorflow_setup  # noqa: F401
