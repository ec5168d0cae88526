"""A user's Keras settings have no effect."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

SHOWN = """
import keras
print(keras.backend.backend(), keras.config.image_data_format(), keras.config.floatx(),
      keras.config.epsilon(), keras.config.dtype_policy().name)
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    "first", ["from runner import tensorflow_setup", "from runner.agent import dqn"]
)
def test_keras_settings_are_set_by_the_program(repository, tmp_path, first):
    theirs = {"floatx": "float16", "epsilon": 0.1, "image_data_format": "channels_first"}
    (tmp_path / "keras.json").write_text(json.dumps({**theirs, "backend": "jax"}))
    environment = {"KERAS_BACKEND": "jax", "KERAS_HOME": str(tmp_path), "TF_USE_LEGACY_KERAS": "1"}
    done = subprocess.run(
        [sys.executable, "-c", f"{first}\n{SHOWN}"],
        cwd=repository,
        env=os.environ | environment,
        capture_output=True,
        text=True,
    )
    assert done.stdout.split() == ["tensorflow", "channels_last", "float32", "1e-07", "float32"]
