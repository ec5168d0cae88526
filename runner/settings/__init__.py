"""WHAT to run, as typed settings. With ``runner.__main__``, the only place that knows Hydra."""
