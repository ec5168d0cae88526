"""Deep Q-learning on Atari, keras-rl2 style: ``python -m runner env=spaceinvaders obs=ram``."""
