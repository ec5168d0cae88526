"""Return estimators (scalar, categorical, quantile) and their losses.

A plain network gives the return's mean; the others give its distribution, whose mean is their last
layer's output. Sources: Mnih et al. 2015, https://doi.org/10.1038/nature14236 (values); Bellemare
et al. 2017, https://arxiv.org/abs/1707.06887 (C51, algorithm 1); Dabney et al. 2018,
https://arxiv.org/abs/1710.10044 (QR-DQN, equations 9 and 10) and https://arxiv.org/abs/1806.06923
(IQN, equation 3).
"""

from __future__ import annotations

import math
from typing import Any, Final, NamedTuple

import keras
import tensorflow as tf

from models.draws import drawing_from
from models.heads import CategoricalMean, ImplicitQuantileMean, QuantileMean, midpoints
from runner.agent.draws import StatelessDraws


class Outputs(NamedTuple):
    """What a network gave: ``values`` (B, nb_actions, ...), at ``fractions`` of the probability."""

    values: Any
    fractions: Any = None


class Values:
    """Q-values, and half the squared TD error, linear beyond ``delta_clip``."""

    def __init__(self, model: keras.Model, delta_clip: float) -> None:
        self.delta_clip = delta_clip

    def network(self, model: keras.Model) -> keras.Model:
        """The part of ``model`` that gives what is fitted."""
        return model

    def evaluate(
        self, network: keras.Model, states: Any, draws: StatelessDraws | None, *, training: bool
    ) -> Outputs:
        """Calls ``network`` on ``states`` (B, window, *observation)."""
        with drawing_from(draws):
            return Outputs(network(states, training=training))

    def q_values(self, outputs: Outputs) -> Any:
        """(B, nb_actions): the means."""
        return outputs.values

    def under(self, probabilities: Any, outputs: Outputs) -> Any:
        """(B, ...): of the state, where actions are taken with ``probabilities``.

        Args:
            probabilities: (B, nb_actions), one-hot where the action is given.
            outputs: Of the state's actions.
        """
        return tf.reduce_sum(outputs.values * probabilities, axis=-1)

    def targets(self, rewards: Any, discounts: Any, following: Any) -> Any:
        """(B, ...): of rewards + discounts * following.

        Args:
            rewards: (B,).
            discounts: (B,), 0 after a terminal.
            following: (B, ...), what ``under`` gave for the next state.
        """
        return rewards + discounts * following

    def losses(self, targets: Any, outputs: Outputs, actions: Any) -> tuple[Any, Any]:
        """How far the network is from the targets.

        Args:
            targets: (B, ...), of ``targets``.
            outputs: Of the states.
            actions: (B, nb_actions), one-hot: what was done there.

        Returns:
            Loss (B,), and error (B,) >= 0 that a prioritised replay goes by.
        """
        errors = targets - self.under(actions, outputs)
        return huber(errors, self.delta_clip), tf.abs(errors)


class Categorical(Values):
    """C51: probabilities of fixed returns; targets are projected on them; cross-entropy."""

    def __init__(self, model: keras.Model, delta_clip: float) -> None:
        super().__init__(model, delta_clip)
        self._mean: CategoricalMean = model.layers[-1]

    def network(self, model: keras.Model) -> keras.Model:
        """As of ``Values``: all but the mean."""
        return _without_last_layer(model)

    def q_values(self, outputs: Outputs) -> Any:
        """As of ``Values``."""
        return self._mean(outputs.values)

    def under(self, probabilities: Any, outputs: Outputs) -> Any:
        """(B, N): the probability of each return; of several actions, their mixture."""
        return _weighted(probabilities, tf.nn.softmax(outputs.values))

    def targets(self, rewards: Any, discounts: Any, following: Any) -> Any:
        """(B, N): each moved return's probability, shared between its two neighbours."""
        support = tf.constant(self._mean.support)
        moved = rewards[:, None] + discounts[:, None] * support  # (B, N)
        moved = tf.clip_by_value(moved, self._mean.v_min, self._mean.v_max)
        away = tf.abs(moved[:, None, :] - support[:, None]) / self._mean.spacing
        shares = tf.clip_by_value(1.0 - away, 0.0, 1.0)  # (B, N to, N from)
        return tf.reduce_sum(shares * following[:, None, :], axis=-1)

    def losses(self, targets: Any, outputs: Outputs, actions: Any) -> tuple[Any, Any]:
        """As of ``Values``: cross-entropy, and the Kullback-Leibler divergence."""
        log_taken = tf.nn.log_softmax(_weighted(actions, outputs.values))  # of one action's logits
        losses = -tf.reduce_sum(targets * log_taken, axis=-1)
        entropy = -tf.reduce_sum(tf.math.xlogy(targets, targets), axis=-1)
        return losses, tf.maximum(losses - entropy, 0.0)


class Quantiles(Values):
    """QR-DQN: quantiles at evenly spread fractions; quantile Huber loss, kappa = ``delta_clip``.

    Raises:
        ValueError: ``delta_clip`` is infinite.
    """

    def __init__(self, model: keras.Model, delta_clip: float) -> None:
        super().__init__(model, delta_clip)
        if math.isinf(delta_clip):
            raise ValueError("delta_clip=inf: expected a finite number with quantiles")

    def network(self, model: keras.Model) -> keras.Model:
        """As of ``Values``: all but the mean."""
        return _without_last_layer(model)

    def evaluate(
        self, network: keras.Model, states: Any, draws: StatelessDraws | None, *, training: bool
    ) -> Outputs:
        """As of ``Values``."""
        values = super().evaluate(network, states, draws, training=training).values
        return Outputs(values, tf.constant(midpoints(values.shape[-1]))[None])

    def q_values(self, outputs: Outputs) -> Any:
        """As of ``Values``."""
        return tf.reduce_mean(outputs.values, axis=-1)

    def under(self, probabilities: Any, outputs: Outputs) -> Any:
        """(B, N): the quantiles; of several actions, the mean of theirs (Vieillard et al. 2020)."""
        return _weighted(probabilities, outputs.values)

    def targets(self, rewards: Any, discounts: Any, following: Any) -> Any:
        """(B, N): the moved quantiles."""
        return rewards[:, None] + discounts[:, None] * following

    def losses(self, targets: Any, outputs: Outputs, actions: Any) -> tuple[Any, Any]:
        """As of ``Values``: summed over the network's fractions, averaged over the target's."""
        errors = targets[:, None, :] - self.under(actions, outputs)[:, :, None]  # (B, N, N target)
        below = tf.cast(errors < 0.0, tf.float32)
        tilt = tf.abs(outputs.fractions[:, :, None] - below)
        losses = tilt * huber(errors, self.delta_clip) / self.delta_clip
        losses = tf.reduce_sum(tf.reduce_mean(losses, axis=2), axis=1)
        return losses, losses


class ImplicitQuantiles(Quantiles):
    """IQN: quantiles at fractions that are drawn anew for every call."""

    def evaluate(
        self, network: keras.Model, states: Any, draws: StatelessDraws | None, *, training: bool
    ) -> Outputs:
        """As of ``Values``."""
        assert draws is not None
        draws.fractions = draws.uniform((states.shape[0], network.output.shape[-1]))
        with drawing_from(draws):
            return Outputs(network(states, training=training), draws.fractions)


_BY_LAST_LAYER: Final[dict[type, type[Values]]] = {
    CategoricalMean: Categorical,
    QuantileMean: Quantiles,
    ImplicitQuantileMean: ImplicitQuantiles,
}


def distribution_of(model: keras.Model, delta_clip: float) -> Values:
    """What ``model`` says of the return."""
    return _BY_LAST_LAYER.get(type(model.layers[-1]), Values)(model, delta_clip)


def huber(errors: Any, delta_clip: float) -> Any:
    """Half the squared error, linear beyond ``delta_clip``."""
    squared = 0.5 * tf.square(errors)
    if math.isinf(delta_clip):
        return squared
    size = tf.abs(errors)
    linear = delta_clip * (size - 0.5 * delta_clip)
    return tf.where(size < delta_clip, squared, linear)


def _weighted(probabilities: Any, values: Any) -> Any:
    """(B, nb_actions) and (B, nb_actions, N) -> (B, N)."""
    return tf.reduce_sum(probabilities[:, :, None] * values, axis=1)


def _without_last_layer(model: keras.Model) -> keras.Model:
    return keras.Model(model.input, model.layers[-1].input)
