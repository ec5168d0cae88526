"""Q-networks from a window of observations to one Q-value per action. Depends on Keras only."""
