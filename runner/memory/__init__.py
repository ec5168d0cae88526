"""Replay memory: what was seen and done, kept for learning."""
