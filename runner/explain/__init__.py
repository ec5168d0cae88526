"""Explanations of a trained agent: which inputs matter, and how much."""
