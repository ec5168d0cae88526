"""Networks: a window of observations in, one Q-value per action out. Knows Keras, nothing else."""
