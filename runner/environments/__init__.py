"""Environments: one emulator, a pool of emulator processes, keras-rl2's single environment."""
