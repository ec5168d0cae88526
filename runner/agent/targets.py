"""Policies used for bootstrap targets: greedy, behaviour policy, Munchausen.

Each policy gives probabilities of the next actions; ``runner.agent.distributions`` weights its
estimates by them. Sources: Watkins 1989 (greedy); van Hasselt et al. 2016,
https://arxiv.org/abs/1509.06461 (double); van Seijen et al. 2009, "A theoretical and empirical
analysis of Expected Sarsa" (algorithm 1); Vieillard et al. 2020, https://arxiv.org/abs/2007.14430
(Munchausen, equation 2).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import tensorflow as tf

# (Q-values (B, nb_actions), the policy's parameter ()) -> probabilities (B, nb_actions)
Probabilities = Callable[[Any, Any], Any]


def greedy(q_values: Any, parameter: Any = None) -> Any:
    """(B, nb_actions): 1 for the best action, the first in a tie."""
    best = tf.argmax(q_values, axis=-1, output_type=tf.int32)
    return tf.one_hot(best, q_values.shape[-1])


def eps_greedy(q_values: Any, epsilon: Any) -> Any:
    """(B, nb_actions): ``epsilon`` spread evenly, the rest for the best action."""
    return (1.0 - epsilon) * greedy(q_values) + epsilon / q_values.shape[-1]


def softmax(q_values: Any, tau: Any) -> Any:
    """(B, nb_actions): proportional to exp(Q / ``tau``)."""
    return tf.nn.softmax(q_values / tau)


POLICIES: Final[dict[str, Probabilities]] = {
    "greedy": greedy,
    "eps_greedy": eps_greedy,
    "softmax": softmax,
}


@dataclass(frozen=True)
class Munchausen:
    """Adds the scaled log-policy to the reward, and the next policy's entropy to the target.

    The target is r + alpha [tau ln pi(a|s)] + gamma sum_b pi(b|s') (Q(s', b) - tau ln pi(b|s')),
    with pi = softmax(Q / tau) of the target network, and [x] = x clipped to [floor, 0].

    Args:
        alpha: Weight of the taken action's log-probability, 0..1.
        tau: Temperature, in points.
        floor: Lower bound of the added tau ln pi, in points; <= 0.
    """

    alpha: float
    tau: float
    floor: float

    def probabilities(self, q_values: Any, parameter: Any = None) -> Any:
        """(B, nb_actions): pi."""
        return softmax(q_values, self.tau)

    def log_policy(self, q_values: Any) -> Any:
        """(B, nb_actions): tau ln pi."""
        return self.tau * tf.nn.log_softmax(q_values / self.tau)

    def reward(self, q_values: Any, taken: Any) -> Any:
        """(B,): reward bonus of the actions ``taken`` (B, nb_actions), one-hot."""
        log_policy = tf.reduce_sum(self.log_policy(q_values) * taken, axis=-1)
        return self.alpha * tf.clip_by_value(log_policy, self.floor, 0.0)

    def entropy(self, next_q_values: Any) -> Any:
        """(B,): tau times the entropy of the next state's policy."""
        probabilities = self.probabilities(next_q_values)
        return -tf.reduce_sum(probabilities * self.log_policy(next_q_values), axis=-1)
