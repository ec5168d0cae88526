"""Behaviour policies: keras-rl2's, and more behind the same interface."""
