"""Callbacks of a run: logging, evaluation, checkpoints of weights, videos."""
