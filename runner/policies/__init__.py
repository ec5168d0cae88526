"""How actions are chosen while training: keras-rl2's policies, and more of their kind."""
