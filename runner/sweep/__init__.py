"""Sweeps: many runs, each in a process of its own, that survive what happens to one of them."""
