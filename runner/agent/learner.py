"""The DQN update as one compiled function: targets, loss, gradient, optimizer, target sync.

Source: Mnih et al. 2015, https://doi.org/10.1038/nature14236 (algorithm 1). Deviations, all
keras-rl2's: the Huber loss is linear beyond ``delta_clip``; hard syncs are scheduled by steps, not
by updates. ``runner.agent.targets`` defines the bootstrap policies, ``runner.agent.distributions``
the return estimators and losses.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from runner.agent.adam import apply_adam, is_plain_adam
from runner.agent.distributions import Outputs, distribution_of
from runner.agent.draws import StatelessDraws, draws_fractions, has_noise
from runner.agent.targets import POLICIES, Munchausen
from runner.agent.xla import has_convolution
from runner.memory.batch import Batch


def compiled(function: Callable[..., Any], jit_compile: bool) -> Callable[..., NDArray[np.float32]]:
    """Compiles ``function`` once for each combination of argument shapes and types.

    Calling the concrete function for known ones costs a third of ``tf.function``'s dispatch.

    Args:
        function: Takes tensors, returns one tensor.
        jit_compile: Compile with XLA.

    Returns:
        The compiled function, taking NumPy arrays and returning a NumPy array.
    """
    traced = tf.function(function, jit_compile=jit_compile, autograph=False)
    known: dict[Any, Any] = {}

    def call(*arrays: NDArray[Any]) -> NDArray[np.float32]:
        kinds = tuple((array.shape, array.dtype) for array in arrays)
        concrete = known.get(kinds)
        if concrete is None:
            specs = [tf.TensorSpec(*kind) for kind in kinds]
            concrete = known[kinds] = traced.get_concrete_function(*specs)
        result: NDArray[np.float32] = concrete(*map(tf.constant, arrays)).numpy()
        return result

    return call


class Updates(NamedTuple):
    """Results of K updates: ``losses`` (K,), ``mean_q`` (K,), ``errors`` (K, B) or None.

    ``mean_q`` is the batch mean of max_a Q(state0, a). ``errors`` become the priorities of a
    prioritised replay.
    """

    losses: NDArray[np.float32]
    mean_q: NDArray[np.float32]
    errors: NDArray[np.float32] | None


class Learner:
    """Fits ``model`` to TD targets computed with ``target_model``.

    Args:
        model: Online network, (B, window, *observation) -> (B, nb_actions).
        target_model: A clone of ``model``; ``model`` itself to bootstrap from the online network.
        optimizer: A Keras optimizer.
        gamma: Discount per step.
        double: The online network chooses the action that the target network evaluates.
        delta_clip: Absolute TD error beyond which the loss is linear; inf: never.
        soft_update: Rate of the target network's soft update after every update; 0: hard syncs.
        jit_compile: Compile with XLA.
        policy: Policy of the bootstrap targets: a key of ``POLICIES``.
        munchausen: Munchausen targets instead of those of ``policy``.
        seed: Seed of the layers' random numbers.
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
        policy: str = "greedy",
        munchausen: Munchausen | None = None,
        seed: int = 0,
    ) -> None:
        self.model, self.target_model, self.optimizer = model, target_model, optimizer
        self.gamma, self.soft_update = gamma, soft_update
        self.has_target_network = target_model is not model
        self.double = double and self.has_target_network
        self.nb_actions = model.output.shape[-1]
        self._returns = distribution_of(model, delta_clip)
        self._online = self._returns.network(model)
        self._target = self._returns.network(target_model)
        self._munchausen = munchausen
        self._probabilities = munchausen.probabilities if munchausen else POLICIES[policy]
        self._draws, self._seed = has_noise(model) or draws_fractions(model), seed
        # Without a target network, Munchausen's policy is that of the outputs that are fitted.
        self._shares_here = bool(munchausen) and not self.has_target_network and not self._draws
        optimizer.build(model.trainable_variables)
        self._one_a_call = jit_compile and has_convolution(model)
        # The fused kernel has no XLA version; XLA fuses Keras's own operations itself.
        self._fused_adam = is_plain_adam(optimizer) and not jit_compile
        self._updates = compiled(self._trace_updates, jit_compile)
        self._sync = tf.function(self._trace_sync, autograph=False)

    def update(
        self, batches: Batch, syncs: NDArray[np.bool_], policy_parameter: float = 0.0
    ) -> Updates:
        """Makes K updates in sequence, in as few calls as possible.

        Args:
            batches: Transitions with leading axes (K, B).
            syncs: (K + 1,) hard target syncs: before the first update, then after each.
            policy_parameter: Epsilon or tau of ``policy``.
        """
        if syncs[0]:
            self.sync()
        results, first = [], 0
        # The target network is fixed within a call: a sync between two updates splits the call.
        ends = range(1, len(syncs) - 1) if self._one_a_call else np.flatnonzero(syncs[1:-1]) + 1
        for last in [*ends, len(syncs) - 1]:
            results.append(self.call(batches.part(first, last), policy_parameter))
            if syncs[last]:
                self.sync()
            first = last
        together = np.concatenate(results)  # (K, 2), weighted (K, 2 + B)
        errors = None if batches.weights is None else together[:, 2:]
        return Updates(together[:, 0], together[:, 1], errors)

    def sync(self) -> None:
        """Copies the online network into the target network."""
        self._sync()

    def call(self, batches: Batch, policy_parameter: float) -> NDArray[np.float32]:
        """Makes the K updates between two syncs; returns the stacked ``_one_update`` results."""
        # One vector in, one array out: a transfer costs more than the numbers in it.
        samples: list[Any] = [batches.actions, batches.rewards, batches.discounts(self.gamma)]
        if batches.weights is not None:
            samples.append(batches.weights)
        numbers = np.concatenate([*samples, [policy_parameter]], axis=None, dtype="f4")
        return self._updates(batches.windows, numbers)

    def _trace_sync(self) -> None:
        for target, source in zip(self.target_model.weights, self.model.weights, strict=True):
            target.value.assign(source.value)

    def _trace_updates(self, windows: Any, numbers: Any) -> Any:
        updates, batch = windows.shape[:2]
        window = self.model.input.shape[1]
        state0, state1 = windows[:, :, :window], windows[:, :, -window:]
        size = updates * batch  # of each array that ``call`` packs before the parameter
        *samples, parameter = tf.split(numbers, [size] * ((numbers.shape[0] - 1) // size) + [1])
        actions, rewards, discounts, *weights = (tf.reshape(x, (updates, batch)) for x in samples)
        actions = tf.one_hot(tf.cast(actions, tf.int32), self.nb_actions)
        fixed = self._target_outputs(state0, state1)
        results = []
        for k in range(updates):  # unrolled: K is part of the shape
            batch_of_k = actions[k], rewards[k], discounts[k], state1[k], parameter
            targets = functools.partial(self._targets, *batch_of_k, *fixed(k))
            weight = weights[0][k] if weights else None
            results.append(self._one_update(state0[k], actions[k], targets, weight))
        return tf.stack(results)

    def _target_outputs(self, state0: Any, state1: Any) -> Callable[[int], Sequence[Outputs]]:
        """Maps an update's index to what its targets need of the target network.

        These are the outputs for the next states ``state1`` (K, B, ...); with Munchausen targets,
        also those for the states ``state0``, unless the update computes them itself.
        """
        calls = {0: state1}
        if self._munchausen and not self._shares_here:
            calls[2] = state0
        if self.soft_update or self._draws or not self.has_target_network:
            return lambda k: [self._evaluate(self._target, s[k], call=c) for c, s in calls.items()]
        # All updates share one target network: one large batch costs less than many small ones.
        batch = tf.concat([tf.reshape(s, (-1, *s.shape[2:])) for s in calls.values()], axis=0)
        outputs = self._evaluate(self._target, batch, call=0)
        shape = (len(calls), *state1.shape[:2], *outputs.values.shape[1:])
        values = tf.reshape(outputs.values, shape)
        return lambda k: [Outputs(of[k], outputs.fractions) for of in tf.unstack(values)]

    def _targets(
        self,
        actions: Any,
        rewards: Any,
        discounts: Any,
        state1: Any,
        parameter: Any,
        following: Outputs,
        here: Outputs | None = None,
    ) -> Any:
        """(B, ...): TD targets of the actions (B, nb_actions), one-hot."""
        returns = self._returns
        chooses = self._evaluate(self._online, state1, call=1) if self.double else following
        probabilities = self._probabilities(returns.q_values(chooses), parameter)
        if self._munchausen and here:
            q_values = returns.q_values(here)
            entropy = self._munchausen.entropy(returns.q_values(following))
            rewards += self._munchausen.reward(q_values, actions) + discounts * entropy
        targets = returns.targets(rewards, discounts, returns.under(probabilities, following))
        return tf.stop_gradient(targets)

    def _one_update(
        self, states: Any, actions: Any, targets: Callable[..., Any], weights: Any = None
    ) -> Any:
        """(2,): loss and mean_q; with importance ``weights`` (B,), (2 + B,): also the errors."""
        variables = self.model.trainable_variables
        values = [variable.value for variable in variables]
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(values)
            outputs = self._evaluate(self._online, states, call=3, training=True)
            with tape.stop_recording():
                wanted = targets(*([outputs] if self._shares_here else []))
            losses, errors = self._returns.losses(wanted, outputs, actions)
            loss = tf.reduce_mean(losses if weights is None else weights * losses)
        # A weight of the user's network may have no effect on the loss.
        none = tf.UnconnectedGradients.ZERO
        gradients = tape.gradient(loss, values, unconnected_gradients=none)
        if self._fused_adam:
            apply_adam(self.optimizer, gradients, values)
        else:
            self.optimizer.apply(gradients, variables)
        if rate := self.soft_update:
            for target, source in zip(self.target_model.weights, self.model.weights, strict=True):
                target.value.assign(rate * source.value + (1.0 - rate) * target.value)
        q_values = self._returns.q_values(outputs)
        result = tf.stack([loss, tf.reduce_mean(tf.reduce_max(q_values, axis=-1))])
        return result if weights is None else tf.concat([result, errors], axis=0)

    def _evaluate(
        self, network: keras.Model, states: Any, *, call: int, training: bool = False
    ) -> Outputs:
        """Calls ``network``; every ``call`` of an update has separate draws."""
        draws = None
        if self._draws:
            update = tf.cast(self.optimizer.iterations.value, tf.int32)
            draws = StatelessDraws((self._seed, call), update, per_row=False)
        return self._returns.evaluate(network, states, draws, training=training)
