"""The update of DQN as one compiled function: targets, loss, gradient, optimiser, target sync.

Sources: Mnih et al. 2015, https://doi.org/10.1038/nature14236 (algorithm 1); van Hasselt et al.
2016, https://arxiv.org/abs/1509.06461 (equation 4, the double target). Deviations, all keras-rl2's:
the Huber loss is linear beyond ``delta_clip``, a hard sync is due by steps, not by updates.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from runner.agent.adam import apply_adam, is_plain_adam
from runner.memory.batch import Batch


def compiled(function: Callable[..., Any], jit_compile: bool) -> Callable[..., NDArray[np.float32]]:
    """Compiles ``function`` for each set of argument shapes it meets.

    Calling the concrete function of known shapes costs a third of ``tf.function``'s own dispatch.

    Args:
        function: Of tensors, to one tensor.
        jit_compile: Compile with XLA.

    Returns:
        The function, of NumPy arrays, to a NumPy array.
    """
    traced = tf.function(function, jit_compile=jit_compile)
    by_shape: dict[Any, Any] = {}

    def call(*arrays: NDArray[Any]) -> NDArray[np.float32]:
        shapes = tuple(array.shape for array in arrays)
        concrete = by_shape.get(shapes)
        if concrete is None:
            specs = [tf.TensorSpec(array.shape, array.dtype) for array in arrays]
            concrete = by_shape[shapes] = traced.get_concrete_function(*specs)
        result: NDArray[np.float32] = concrete(*map(tf.constant, arrays)).numpy()
        return result

    return call


class Learner:
    """Fits ``model`` to the TD targets that ``target_model`` gives.

    Args:
        model: Online network, (B, window, *observation) -> (B, nb_actions).
        target_model: A clone of it.
        optimizer: A Keras optimizer.
        gamma: Discount per step.
        double: The online network chooses the action that the target network values.
        delta_clip: Absolute TD error beyond which the loss is linear; inf: never.
        soft_update: Rate at which the target network follows after every update; 0: hard syncs.
        jit_compile: Compile with XLA.
    """

    def __init__(
        self,
        model: keras.Model,
        target_model: keras.Model,
        optimizer: keras.optimizers.Optimizer,
        *,
        gamma: float,
        double: bool,
        delta_clip: float,
        soft_update: float,
        jit_compile: bool,
    ) -> None:
        self.model, self.target_model, self.optimizer = model, target_model, optimizer
        self.gamma, self.double, self.delta_clip = gamma, double, delta_clip
        self.soft_update = soft_update
        self.jit_compile = jit_compile
        self.nb_actions = model.output.shape[-1]
        optimizer.build(model.trainable_variables)
        # The fused kernel has no XLA version; XLA fuses Keras's own operations itself.
        self._fused_adam = is_plain_adam(optimizer) and not jit_compile
        self._updates = compiled(self._trace_updates, jit_compile)

    def update(
        self, batches: Batch, syncs: NDArray[np.bool_]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Makes K updates, one after another, in one call.

        Args:
            batches: Transitions with leading axes (K, B).
            syncs: (K + 1,) hard target syncs: before the first update, then after each.

        Returns:
            Loss (K,) and mean over the batch of max_a Q(state0, a) (K,), of each update.
        """
        # All numbers go in one vector, and come back in one array: a transfer costs more than they.
        numbers = np.concatenate(
            [batches.actions, batches.rewards, batches.discounts(self.gamma), syncs],
            axis=None,
            dtype="f4",
        )
        results = self._updates(batches.windows, numbers)  # (K, 2)
        return results[:, 0], results[:, 1]

    def sync(self) -> None:
        """Copies the online network into the target network."""
        for target, source in zip(self.target_model.weights, self.model.weights, strict=True):
            target.assign(source)

    def _trace_updates(self, windows: Any, numbers: Any) -> Any:
        updates, batch = windows.shape[:2]
        actions, rewards, discounts = tf.unstack(
            tf.reshape(numbers[: 3 * updates * batch], (3, updates, batch))
        )
        syncs = numbers[3 * updates * batch :] > 0  # (K + 1,)
        actions = tf.cast(actions, tf.int32)
        self._sync_if(syncs[0])
        results = []
        for k in range(updates):  # unrolled: K is part of the shape
            results.append(self._one_update(windows[k], actions[k], rewards[k], discounts[k]))
            self._sync_if(syncs[k + 1])
        return tf.stack(results)

    def _one_update(self, windows: Any, actions: Any, rewards: Any, discounts: Any) -> Any:
        window = self.model.input.shape[1]
        state0, state1 = windows[:, :window], windows[:, -window:]  # (B, window, *observation)
        targets = tf.stop_gradient(rewards + discounts * self._value(state1))  # (B,)
        variables = self.model.trainable_variables
        weights = [variable.value for variable in variables]
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(weights)
            q_values = self.model(state0, training=True)  # (B, nb_actions)
            taken = tf.reduce_sum(q_values * tf.one_hot(actions, self.nb_actions), axis=-1)  # (B,)
            loss = tf.reduce_mean(self._error_loss(targets - taken))
        gradients = tape.gradient(loss, weights)
        if self._fused_adam:
            apply_adam(self.optimizer, gradients, weights)
        else:
            self.optimizer.apply(gradients, variables)
        if self.soft_update:
            self._soft_update()
        return tf.stack([loss, tf.reduce_mean(tf.reduce_max(q_values, axis=-1))])

    def _value(self, state1: Any) -> Any:
        """(B,): what the next state is worth."""
        target_q = self.target_model(state1, training=False)  # (B, nb_actions)
        if not self.double:
            return tf.reduce_max(target_q, axis=-1)
        best = tf.argmax(self.model(state1, training=False), axis=-1, output_type=tf.int32)
        return tf.reduce_sum(target_q * tf.one_hot(best, self.nb_actions), axis=-1)

    def _error_loss(self, errors: Any) -> Any:
        """(B,): half the squared TD error, linear beyond ``delta_clip``."""
        squared = 0.5 * tf.square(errors)
        if math.isinf(self.delta_clip):
            return squared
        size = tf.abs(errors)
        linear = self.delta_clip * (size - 0.5 * self.delta_clip)
        return tf.where(size < self.delta_clip, squared, linear)

    def _sync_if(self, due: Any) -> None:
        def copy() -> Any:
            for target, source in zip(self.target_model.weights, self.model.weights, strict=True):
                target.value.assign(source.value)
            return tf.constant(0)

        tf.cond(due, copy, lambda: tf.constant(0))

    def _soft_update(self) -> None:
        rate = self.soft_update
        for target, source in zip(self.target_model.weights, self.model.weights, strict=True):
            target.value.assign(rate * source.value + (1.0 - rate) * target.value)
