"""TensorFlow, quiet, before anything of Keras."""

from runner import tensorflow_setup  # noqa: F401
