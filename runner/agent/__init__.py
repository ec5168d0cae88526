"""The learning agent: keras-rl2's DQNAgent with a compiled update and a loop over many games."""

from runner import tensorflow_setup  # noqa: F401  (before anything here imports Keras)
