"""Action-selection rules in addition to keras-rl2's, and their use in bootstrap targets.

All draw from NumPy's global generator, as keras-rl2's do; its state is part of every checkpoint.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from runner.keras_rl2 import EpsGreedyQPolicy, GreedyQPolicy, LinearAnnealedPolicy, Policy


class EpsZGreedyQPolicy(Policy):  # type: ignore[misc]
    """Temporally extended epsilon-greedy: random actions are repeated for a drawn duration.

    This explores further than single random actions, which mostly cancel out. Source: Dabney et al.
    2021, "Temporally-Extended Epsilon-Greedy Exploration", https://arxiv.org/abs/2006.01782: the
    duration is n steps with probability proportional to ``n ** -exponent``. Deviation: durations
    are capped at ``max_action_repeat``.

    Parallel environments may explore to different degrees, so that some explore widely while others
    play near their best. Environment i of N uses epsilon ** (1 + epsilon_spread * i / (N - 1)), as
    in Horgan et al. 2018, "Distributed Prioritized Experience Replay",
    https://arxiv.org/abs/1803.00933; a single environment uses the middle value. Random actions are
    repeated in a share of the environments only; in the others they last one step.

    Args:
        streams: Number of parallel environments.
        exponent: > 1; 2 in the paper.
        max_action_repeat: Steps, >= 1.
        epsilon_spread: >= 0; 0: the same epsilon in every environment.
        repeat_share: Share of environments with repeated random actions, 0 to 1, evenly spread.
    """

    def __init__(
        self,
        streams: int = 1,
        exponent: float = 2.0,
        max_action_repeat: int = 100,
        epsilon_spread: float = 0.0,
        repeat_share: float = 1.0,
    ) -> None:
        super().__init__()
        self.eps = 0.1  # keras-rl2's default, until a schedule sets it
        self.exponent, self.max_action_repeat = exponent, max_action_repeat
        self.epsilon_spread, self.repeat_share = epsilon_spread, repeat_share
        places = np.linspace(0, 1, streams) if streams > 1 else np.array([0.5])
        self.power = 1 + epsilon_spread * places  # exponent of epsilon in each environment
        self.lasts = np.diff(np.ceil(repeat_share * np.arange(streams + 1))) > 0
        self.repeated = np.zeros(streams, np.int64)  # repeated action in each environment
        self.left = np.zeros(streams, np.int64)  # remaining steps of the repeated action

    def select_action(self, q_values: NDArray[Any], stream: int = 0) -> int:
        """Returns an action in environment ``stream``. ``q_values``: (nb_actions,)."""
        if self.left[stream] == 0:
            if np.random.uniform() >= self.eps ** self.power[stream]:
                return int(np.argmax(q_values))
            drawn = np.random.zipf(self.exponent) if self.lasts[stream] else 1
            self.left[stream] = min(int(drawn), self.max_action_repeat)
            self.repeated[stream] = np.random.randint(len(q_values))
        self.left[stream] -= 1
        return int(self.repeated[stream])

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments, as keras-rl2's policies do."""
        names = ("exponent", "max_action_repeat", "epsilon_spread", "repeat_share")
        own = {"eps": self.eps, "streams": len(self.left)}
        return {**super().get_config(), **own, **{name: getattr(self, name) for name in names}}


class SoftmaxQPolicy(Policy):  # type: ignore[misc]
    """Action probabilities softmax(Q / tau), accurate for any tau > 0.

    Source: Sutton and Barto 2018, "Reinforcement Learning", 2nd edition, section 2.8.

    The best Q-value is subtracted before the division, so that no exponential overflows: as tau
    approaches 0 the policy becomes greedy, with ties broken at random. keras-rl2's BoltzmannQPolicy
    clips Q / tau instead: at a small tau all actions beyond the clip become equally likely.

    Args:
        tau: Temperature, in units of Q, > 0.
    """

    def __init__(self, tau: float = 1.0) -> None:
        super().__init__()
        self.tau = tau

    def probabilities(self, q_values: NDArray[Any]) -> NDArray[np.float64]:
        """Returns (nb_actions,): pi(a | s). ``q_values``: (nb_actions,)."""
        q = q_values.astype(np.float64)
        weights = np.exp((q - q.max()) / self.tau)
        probabilities: NDArray[np.float64] = weights / weights.sum()
        return probabilities

    def select_action(self, q_values: NDArray[Any]) -> int:
        """Returns an action. ``q_values``: (nb_actions,)."""
        cumulated = np.cumsum(self.probabilities(q_values))
        drawn = np.searchsorted(cumulated, np.random.uniform() * cumulated[-1], side="right")
        return int(min(drawn, len(q_values) - 1))

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments, as keras-rl2's policies do."""
        return {**super().get_config(), "tau": self.tau}


# Rule -> distribution for expected SARSA, and the attribute of its parameter (None: epsilon is 0).
_TARGETS: Final[dict[type, tuple[str, str | None]]] = {
    EpsGreedyQPolicy: ("eps_greedy", "eps"),
    GreedyQPolicy: ("eps_greedy", None),
    SoftmaxQPolicy: ("softmax", "tau"),
}


def target_kind(policy: Policy) -> str:
    """Name of the distribution pi(a | s) of ``policy``, or of the policy that it anneals.

    Raises:
        ValueError: The policy has another distribution, such as keras-rl2's clipped Boltzmann.
    """
    return _target(policy)[0]


def target_parameter(policy: Policy) -> float:
    """Epsilon or tau of the last action chosen by ``policy`` (see ``target_kind``).

    Raises:
        ValueError: As ``target_kind``.
    """
    attribute = _target(policy)[1]
    return 0.0 if attribute is None else float(getattr(rule_of(policy), attribute))


def parameter_name(rule: Policy) -> str | None:
    """The attribute of ``rule`` that can be annealed: ``eps``, ``tau`` or None."""
    return next((name for name in ("eps", "tau") if hasattr(rule, name)), None)


def rule_of(policy: Policy) -> Policy:
    """The policy that chooses actions: ``policy``, or the one that it anneals."""
    return policy.inner_policy if isinstance(policy, LinearAnnealedPolicy) else policy


def _target(policy: Policy) -> tuple[str, str | None]:
    rule = rule_of(policy)
    for kind, target in _TARGETS.items():
        if isinstance(rule, kind):
            return target
    raise ValueError(f"{type(rule).__name__}: expected an epsilon-greedy or a softmax policy")
