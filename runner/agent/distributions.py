"""Return estimators (scalar, categorical, quantile) and their losses.

A plain network estimates the mean return; the others estimate its distribution, and their last
layer outputs the mean. Sources: Mnih et al. 2015, https://doi.org/10.1038/nature14236 (values);
Bellemare et al. 2017, https://arxiv.org/abs/1707.06887 (C51, algorithm 1); Dabney et al. 2018,
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
    """Network outputs: ``values`` (B, nb_actions, ...) at the quantile ``fractions``."""

    values: Any
    fractions: Any = None


class Values:
    """Scalar Q-values; loss: half the squared TD error, linear beyond ``delta_clip``."""

    def __init__(self, model: keras.Model, delta_clip: float) -> None:
        self.delta_clip = delta_clip
        self._last: Any = model.layers[-1]  # the mean of a distribution

    def network(self, model: keras.Model) -> keras.Model:
        """The part of ``model`` whose output is fitted: all but the mean of a distribution."""
        last = model.layers[-1]
        return keras.Model(model.input, last.input) if type(last) in _BY_LAST_LAYER else model

    def evaluate(
        self, network: keras.Model, states: Any, draws: StatelessDraws | None, *, training: bool
    ) -> Outputs:
        """Calls ``network`` on ``states`` (B, window, *observation)."""
        fractions = self.fractions(states.shape[0], network.output.shape[-1], draws)
        with drawing_from(draws):
            return Outputs(network(states, training=training), fractions)

    def fractions(self, batch: int, count: int, draws: StatelessDraws | None) -> Any:
        """(``batch`` or 1, ``count``): fractions of the network's quantiles; None: it has none."""
        return None

    def q_values(self, outputs: Outputs) -> Any:
        """(B, nb_actions): the means."""
        return outputs.values

    def under(self, probabilities: Any, outputs: Outputs) -> Any:
        """(B, ...): estimate of a state's return if actions follow ``probabilities``.

        Args:
            probabilities: (B, nb_actions), one-hot for a given action.
            outputs: Outputs for all actions of the state.
        """
        return tf.reduce_sum(outputs.values * probabilities, axis=-1)

    def targets(self, rewards: Any, discounts: Any, following: Any) -> Any:
        """(B, ...): estimate of rewards + discounts * following.

        Args:
            rewards: (B,).
            discounts: (B,), 0 after a terminal transition.
            following: (B, ...), result of ``under`` for the next state.
        """
        return rewards + discounts * following

    def losses(self, targets: Any, outputs: Outputs, actions: Any) -> tuple[Any, Any]:
        """Losses and errors of the network's outputs against the targets.

        Args:
            targets: (B, ...), result of ``targets``.
            outputs: Outputs for the states.
            actions: (B, nb_actions), one-hot: the actions taken.

        Returns:
            Loss (B,), and error (B,) >= 0 for prioritised replay.
        """
        errors = targets - self.under(actions, outputs)
        return huber(errors, self.delta_clip), tf.abs(errors)


class Categorical(Values):
    """C51: probabilities of fixed returns, onto which targets are projected; cross-entropy."""

    def q_values(self, outputs: Outputs) -> Any:
        """See ``Values``."""
        return self._last(outputs.values)

    def under(self, probabilities: Any, outputs: Outputs) -> Any:
        """(B, N): the probability of each return; a mixture for several actions."""
        return _weighted(probabilities, tf.nn.softmax(outputs.values))

    def targets(self, rewards: Any, discounts: Any, following: Any) -> Any:
        """(B, N): each shifted return's probability, split between its two nearest atoms."""
        support = tf.constant(self._last.support)
        moved = rewards[:, None] + discounts[:, None] * support  # (B, N)
        moved = tf.clip_by_value(moved, self._last.v_min, self._last.v_max)
        away = tf.abs(moved[:, None, :] - support[:, None]) / self._last.spacing
        shares = tf.clip_by_value(1.0 - away, 0.0, 1.0)  # (B, N to, N from)
        return tf.reduce_sum(shares * following[:, None, :], axis=-1)

    def losses(self, targets: Any, outputs: Outputs, actions: Any) -> tuple[Any, Any]:
        """See ``Values``: cross-entropy, and the Kullback-Leibler divergence."""
        log_taken = tf.nn.log_softmax(_weighted(actions, outputs.values))  # of one action's logits
        losses = -tf.reduce_sum(targets * log_taken, axis=-1)
        entropy = -tf.reduce_sum(tf.math.xlogy(targets, targets), axis=-1)
        return losses, tf.maximum(losses - entropy, 0.0)


class Quantiles(Values):
    """QR-DQN: quantiles at evenly spaced fractions; quantile Huber loss, kappa = ``delta_clip``.

    Raises:
        ValueError: ``delta_clip`` is infinite.
    """

    def __init__(self, model: keras.Model, delta_clip: float) -> None:
        super().__init__(model, delta_clip)
        if math.isinf(delta_clip):
            raise ValueError("delta_clip=inf: expected a finite number with quantiles")

    def fractions(self, batch: int, count: int, draws: StatelessDraws | None) -> Any:
        """See ``Values``."""
        return tf.constant(midpoints(count))[None]

    def q_values(self, outputs: Outputs) -> Any:
        """See ``Values``."""
        return tf.reduce_mean(outputs.values, axis=-1)

    def under(self, probabilities: Any, outputs: Outputs) -> Any:
        """(B, N): the quantiles; their mean for several actions (Vieillard et al. 2020)."""
        return _weighted(probabilities, outputs.values)

    def targets(self, rewards: Any, discounts: Any, following: Any) -> Any:
        """(B, N): the shifted quantiles."""
        return rewards[:, None] + discounts[:, None] * following

    def losses(self, targets: Any, outputs: Outputs, actions: Any) -> tuple[Any, Any]:
        """See ``Values``: summed over the network's fractions, averaged over the target's."""
        errors = targets[:, None, :] - self.under(actions, outputs)[:, :, None]  # (B, N, N target)
        below = tf.cast(errors < 0.0, tf.float32)
        tilt = tf.abs(outputs.fractions[:, :, None] - below)
        losses = tilt * huber(errors, self.delta_clip) / self.delta_clip
        losses = tf.reduce_sum(tf.reduce_mean(losses, axis=2), axis=1)
        return losses, losses


class ImplicitQuantiles(Quantiles):
    """IQN: quantiles at fractions resampled for every call."""

    def fractions(self, batch: int, count: int, draws: StatelessDraws | None) -> Any:
        """See ``Values``; the network reads them from ``draws``."""
        assert draws is not None
        draws.fractions = draws.uniform((batch, count))
        return draws.fractions


_BY_LAST_LAYER: Final[dict[type, type[Values]]] = {
    CategoricalMean: Categorical,
    QuantileMean: Quantiles,
    ImplicitQuantileMean: ImplicitQuantiles,
}


def distribution_of(model: keras.Model, delta_clip: float) -> Values:
    """The return estimator for the last layer of ``model``."""
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
