"""What listens to a run: keras-rl2 callbacks that show it and write it down."""
