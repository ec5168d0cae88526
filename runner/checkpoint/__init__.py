"""Checkpoints: the complete state of a run, written atomically, validated on load, free of code."""
