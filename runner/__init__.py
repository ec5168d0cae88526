"""Keras-rl2-style deep Q-learning on Atari games: ``python -m runner env=spaceinvaders obs=ram``."""
