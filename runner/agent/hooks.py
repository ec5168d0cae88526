"""Dispatches events to keras-rl2 and Keras callbacks, skipping methods that are not overridden."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

import keras

from runner.keras_rl2 import Callback

# Each hook, and the Keras hook called on callbacks that lack it (as in keras-rl2).
HOOKS: Final = {
    "on_train_begin": None,
    "on_train_end": None,
    "on_episode_begin": "on_epoch_begin",
    "on_episode_end": "on_epoch_end",
    "on_step_begin": "on_batch_begin",
    "on_step_end": "on_batch_end",
    "on_action_begin": None,
    "on_action_end": None,
}


class Hooks:
    """The callbacks' overridden methods by hook; empty base methods cost as much to call.

    Args:
        listeners: Callbacks.
        agent: Set as ``model`` of the callbacks.
        env: Set as ``env`` of the callbacks.
        nb_steps: Set as ``params["nb_steps"]`` of the callbacks.
    """

    def __init__(self, listeners: Sequence[Any], agent: Any, env: Any, nb_steps: int) -> None:
        for listener in listeners:
            listener.set_model(agent)
            listener.set_params({"nb_steps": nb_steps})
            if isinstance(listener, Callback):
                listener._set_env(env)
        self._methods = {hook: _overridden(listeners, hook) for hook in HOOKS}

    def __call__(self, hook: str, *args: Any, logs: dict[str, Any]) -> None:
        """Calls ``hook`` on all callbacks that override it."""
        for method in self._methods[hook]:
            method(*args, logs=logs)


def _overridden(listeners: Sequence[Any], hook: str) -> list[Callable[..., None]]:
    methods = []
    for listener in listeners:
        name = hook if hasattr(listener, hook) else HOOKS[hook]
        if name is None:
            continue
        method = getattr(listener, name)  # of the class, or of the instance (LambdaCallback)
        bases = (getattr(base, name, None) for base in (Callback, keras.callbacks.Callback))
        if all(getattr(method, "__func__", method) is not base for base in bases):
            methods.append(method)
    return methods
