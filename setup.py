"""The packages of the wheel; everything else is in setup.cfg.

Configuration and trained agents lie at the top of the repository, and inside ``runner`` once
installed: ``conf`` is no name for a package of its own.
"""

from setuptools import find_packages, setup

DATA = {"runner.conf": "conf", "runner.pretrained": "pretrained"}

setup(
    packages=[*find_packages(include=["runner*", "models*"]), *DATA],
    package_dir=DATA,
    package_data={name: ["**"] for name in ("runner", "models", *DATA)},
)
