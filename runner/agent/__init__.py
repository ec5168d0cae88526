"""The learning agent: keras-rl2's DQNAgent with a compiled update and a loop over many games."""
