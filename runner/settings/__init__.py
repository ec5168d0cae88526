"""Typed settings. Apart from ``runner.__main__``, the only package that imports Hydra."""
