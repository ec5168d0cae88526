"""Deep Q-learning on Atari, keras-rl2 style: ``python -m runner env=spaceinvaders obs=ram``."""

__version__ = "0.2.0"
