"""Q-networks: a window of observations in, one Q-value per action out. Depends on Keras only."""
