"""The DQN agent: keras-rl2's DQNAgent with a compiled update and parallel environments."""

from runner import tensorflow_setup  # noqa: F401  (before anything here imports Keras)
