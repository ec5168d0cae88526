"""Compatibility layer: keras-rl2 1.0.5 on Keras 3 and NumPy 2. The only module that patches it.

keras-rl2 was last released for TensorFlow 2.3. This module imports ``rl`` with the few missing
names temporarily added to TensorFlow, and patches the few methods that no longer work. The rest of
the project, and users of keras-rl2's classes, import the patched classes from here. Every patch
documents the problem that it fixes.
"""

from __future__ import annotations

import importlib
import sys
import types
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import patch

from runner import tensorflow_setup  # noqa: F401  # isort: skip  (before Keras)
import keras
import numpy as np
import tensorflow as tf

from models.build import as_functional
from models.heads import Head, with_head
from runner.diverged import check_finite
from runner.weights import save_weights


def _model_from_config(config: dict[str, Any], custom_objects: Any = None) -> Any:
    raise AttributeError("Keras 3 has no model_from_config; use keras.models.clone_model")


def _import_rl() -> None:
    """Imports the parts of ``rl`` that DQN needs, with TensorFlow's missing names added."""
    # rl.callbacks derives from TensorFlow's private copy of Keras 2, whose callback lists do not
    # accept a Keras 3 History: these names refer to Keras 3's classes instead.
    borrowed: dict[str, Any] = {
        "tensorflow.python.keras.callbacks": keras.callbacks,
        "tensorflow.python.keras.utils.generic_utils": keras.utils,
    }
    shadowed = {name: sys.modules[name] for name in borrowed if name in sys.modules}
    tf_models = importlib.import_module("tensorflow.keras.models")
    with (
        # rl.util: `from tensorflow.keras.models import model_from_config`, removed in Keras 3.
        patch.object(tf_models, "model_from_config", _model_from_config, create=True),
        # rl.agents imports DDPG, which disables eager execution for the whole process.
        patch.object(tf.compat.v1, "disable_eager_execution", lambda: None),
    ):
        sys.modules.update(borrowed)
        try:
            import rl.agents
            import rl.callbacks
            import rl.core
            import rl.memory
            import rl.policy
            import rl.util  # noqa: F401
        finally:
            for name in borrowed:
                del sys.modules[name]
            sys.modules.update(shadowed)


_import_rl()

import rl.agents.dqn  # noqa: E402
import rl.core  # noqa: E402
import rl.memory  # noqa: E402
from rl.agents.dqn import AbstractDQNAgent, DQNAgent, mean_q  # noqa: E402
from rl.callbacks import (  # noqa: E402
    Callback,
    ModelIntervalCheckpoint,
    TrainEpisodeLogger,
    TrainIntervalLogger,
)
from rl.core import Agent, Env, Processor  # noqa: E402
from rl.memory import Experience, Memory, SequentialMemory  # noqa: E402
from rl.policy import (  # noqa: E402
    BoltzmannQPolicy,
    EpsGreedyQPolicy,
    GreedyQPolicy,
    LinearAnnealedPolicy,
    Policy,
)

__all__ = [
    "Agent", "BoltzmannQPolicy", "Callback", "DQNAgent", "Env", "EpsGreedyQPolicy", "Experience",
    "GreedyQPolicy", "LinearAnnealedPolicy", "Memory", "ModelIntervalCheckpoint", "Policy",
    "Processor", "SequentialMemory", "TrainEpisodeLogger", "TrainIntervalLogger", "clone_model",
    "mean_q",
]  # fmt: skip

# keras-rl2's own functions, which the patches below call.
_SAMPLE, _Q_VALUES = rl.memory.sample_batch_indexes, AbstractDQNAgent.compute_batch_q_values
_INIT, _COMPILE = DQNAgent.__init__, DQNAgent.compile


def clone_model(model: keras.Model, custom_objects: Any = None) -> keras.Model:
    """Copies ``model`` with its weights. Replaces the config round trip that Keras 3 rejects."""
    clone = keras.models.clone_model(model)
    clone.set_weights(model.get_weights())
    return clone


class _NumPyWithWideCounters(types.ModuleType):
    """NumPy for rl.core, whose step and episode counters start as ``np.int16(0)``.

    NumPy 2 keeps the dtype when an int is added, so that they wrap to -32,768 after step 32,767 and
    the run never ends. A Python int does not overflow.
    """

    int16 = int

    def __getattr__(self, name: str) -> Any:
        return getattr(np, name)


def _sample_batch_indexes(low: int, high: int, size: int) -> Any:
    """Draws with replacement if there are fewer entries than the batch.

    keras-rl2 does so through np.random.random_integers, which NumPy 2 no longer has.
    """
    if high - low >= size:
        return _SAMPLE(low, high, size)
    warnings.warn(
        "Not enough entries to sample without replacement: consider a longer warm-up phase",
        stacklevel=3,
    )
    return np.random.randint(low, high, size=size)


def _process_state_batch(self: AbstractDQNAgent, batch: Any) -> Any:
    """Makes an array; keras-rl2 makes a Python object of every byte."""
    array = np.array(batch)
    return array if self.processor is None else self.processor.process_state_batch(array)


def _reset_states(self: DQNAgent) -> None:
    """As keras-rl2's, without ``model.reset_states()`` of stateful RNNs, removed in Keras 3."""
    self.recent_action = None
    self.recent_observation = None


def _compute_batch_q_values(self: DQNAgent, state_batch: Any) -> Any:
    """Checks them: keras-rl2 continues with NaN, or np.random.choice rejects the probabilities."""
    q_values = _Q_VALUES(self, state_batch)
    check_finite(q_values, "its Q-values are")
    return q_values


def _save_weights(self: DQNAgent, filepath: str, overwrite: bool = False) -> None:
    """Saves atomically, and without Keras's prompt on the terminal."""
    save_weights(self.model, Path(filepath), overwrite=overwrite)


def _init(
    self: DQNAgent,
    model: keras.Model,
    policy: Policy | None = None,
    test_policy: Policy | None = None,
    enable_double_dqn: bool = False,
    enable_dueling_network: bool = False,
    dueling_type: str = "avg",
    *args: Any,
    **kwargs: Any,
) -> None:
    # A Sequential model has no `output` in Keras 3 before it is called.
    model = as_functional(model)
    # keras-rl2 builds the head from a Python lambda, which Keras 3 cannot clone.
    if enable_dueling_network:
        model = with_head(model, Head(dueling_type))
    _INIT(self, model, policy, test_policy, enable_double_dqn, False, dueling_type, *args, **kwargs)
    self.enable_dueling_network = enable_dueling_network


def _compile(self: DQNAgent, optimizer: Any, metrics: Any = ()) -> None:
    # A new list: keras-rl2 appends to its mutable default argument for every agent.
    _COMPILE(self, optimizer, metrics=[*metrics])
    if self.jit_compile != "auto":
        for model in (self.model, self.target_model, self.trainable_model):
            model.jit_compile = self.jit_compile
    self.trainable_model.train_on_batch = _one_batch(self.trainable_model)
    self.compiled_metrics_names = ["loss", *(m.__name__ for m in metrics), mean_q.__name__]


def _one_batch(model: keras.Model) -> Callable[..., Any]:
    """``model.train_on_batch`` with the metrics of this batch alone.

    Keras 3.12, the newest for Python 3.10, returns their means since the last reset.
    """
    original = model.train_on_batch

    def train_on_batch(*args: Any, **kwargs: Any) -> Any:
        model.reset_metrics()
        return original(*args, **kwargs)

    return train_on_batch


def _metrics_names(self: DQNAgent) -> list[str]:
    """``loss``, ``mean_q`` and the policy's: Keras 3 reports one name for all compiled metrics."""
    names = [*self.compiled_metrics_names, *self.policy.metrics_names]
    return names if self.processor is None else names + self.processor.metrics_names


rl.agents.dqn.clone_model = clone_model
rl.core.np = _NumPyWithWideCounters("numpy")
rl.memory.sample_batch_indexes = _sample_batch_indexes
AbstractDQNAgent.process_state_batch = _process_state_batch
AbstractDQNAgent.compute_batch_q_values = _compute_batch_q_values
DQNAgent.jit_compile = "auto"  # keras-rl2's default: Keras decides on XLA
DQNAgent.save_weights = _save_weights
DQNAgent.reset_states = _reset_states
DQNAgent.__init__ = _init
DQNAgent.compile = _compile
DQNAgent.metrics_names = property(_metrics_names)
