"""Settings of the learning algorithm, and their constraints (docs/algorithms.md)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from models.setting import (
    ANY,
    ON,
    Rule,
    above,
    at_least,
    between,
    finite,
    finite_above,
    one_of,
    option,
    setting,
    share,
)
from runner.errors import wrong

if TYPE_CHECKING:
    from runner.settings.schema import Config

_DECAY: Final = {"lr_decay_steps": at_least(1)}


@dataclass
class KerasRL2Agent:
    """keras-rl2's DQNAgent, with a single environment."""

    name: str = option("keras_rl2")
    gamma: float = setting(0.99, between(0, 1), "discount per step (Mnih et al. 2015)")
    batch_size: int = setting(
        32, at_least(1, "transitions", 2**16), "transitions per update (Mnih et al. 2015)"
    )
    train_interval: int = setting(4, at_least(1, "steps"), "steps per update (Mnih et al. 2015)")
    n_step: int = setting(
        1,
        at_least(1, "steps", 10_000),
        "steps of a return ([Sutton 1988](https://doi.org/10.1007/BF00115009)), fewer if the "
        "episode ends; 3 in Rainbow; not with `memory=sequential`",
    )
    target_update: float = setting(
        10000.0,
        Rule(
            lambda v: 0 <= v < 1 or (1 <= v <= 10**12 and v == int(v)),
            "a whole number of steps >= 1 (hard syncs), a rate between 0 and 1 (soft updates) or 0 "
            "(no target network)",
        ),
        "steps between hard syncs, or the rate of a soft update after each update; 0: no target "
        "network (the last two not with `agent=keras_rl2`)",
    )
    optimizer: str = setting(
        "adam",
        one_of("adam", "adamw", "rmsprop", "sgd"),
        "`rmsprop` is centred, with decay 0.95, as in Mnih et al. 2015",
    )
    learning_rate: float = setting(
        0.00025, finite_above(0), "initial learning rate (keras-rl2's Atari example)"
    )
    lr_min: float = setting(
        0.0, at_least(0.0), "final learning rate after the linear decay", needs=_DECAY
    )
    lr_decay_steps: int = setting(
        0, at_least(0, "steps"), "steps of the decay, excluding the warm-up; 0: constant"
    )
    lr_hold: float = setting(
        0.0, share(), "share of these steps before the decay begins", needs=_DECAY
    )
    adam_epsilon: float = setting(
        1.0e-7,
        finite_above(0),
        "epsilon of the optimizer",
        needs={"optimizer": one_of("adam", "adamw", "rmsprop")},
    )
    momentum: float = setting(
        0.0, between(0, 1), "momentum", needs={"optimizer": one_of("rmsprop", "sgd")}
    )
    weight_decay: float = setting(
        0.01,
        at_least(0.0),
        "weight decay, times the learning rate (Loshchilov and Hutter 2019)",
        needs={"optimizer": one_of("adamw")},
    )
    gradient_clip: float = setting(
        math.inf, above(0), "largest global norm of the gradient; larger gradients are rescaled"
    )
    double: bool = setting(
        True, ANY, "the online network chooses the action that the target network evaluates"
    )
    dueling: str = setting(
        "avg",
        one_of("none", "avg", "max", "naive", "streams"),
        "dueling head: one layer, as in keras-rl2, or two streams, each with a copy of the last "
        "layer of `model.hidden`",
    )
    delta_clip: float = setting(
        1.0, above(0), "TD error beyond which the loss is linear; `inf`: squared error"
    )
    reward_clip: float = setting(
        1.0, above(0), "rewards are clipped to +- this value, for learning only; `inf`: unclipped"
    )
    jit_compile: bool | str = setting(
        "auto",
        Rule(lambda v: v in ("auto", True, False), "auto, true or false"),
        "compile with XLA; `auto`: if it is faster (docs/performance.md)",
    )


@dataclass
class DQN(KerasRL2Agent):
    """DQN with a compiled update, for many parallel environments."""

    name: str = option("dqn")
    target_sync: str = setting(
        "steps",
        one_of("steps", "game_end"),
        "hard syncs when due, or at the first game end at least `agent.target_update` steps after "
        "the last sync",
    )
    ema_decay: float = setting(
        0.0,
        share(),
        "decay per update of the exponential moving average of the weights, used by evaluations "
        "and saved in weights files; 0: no averaging",
    )
    expected_sarsa: bool = setting(
        False, ANY, "bootstrap from the value under the current behaviour policy"
    )
    munchausen: bool = setting(False, ANY, "Munchausen DQN; needs `agent.double=false`")
    munchausen_alpha: float = setting(
        0.9,
        between(0, 1),
        "weight of the taken action's log-probability (Vieillard et al. 2020)",
        needs={"munchausen": ON},
    )
    munchausen_tau: float = setting(
        0.03, finite_above(0), "temperature of the policy, points", needs={"munchausen": ON}
    )
    munchausen_floor: float = setting(
        -1.0,
        Rule(lambda v: -math.inf < v <= 0, "a finite number <= 0"),
        "lower bound of temperature times log-probability, points",
        needs={"munchausen": ON},
    )
    distribution: str = setting(
        "none",
        one_of("none", "c51", "qr", "iqn"),
        "estimator of the return: its mean, or its distribution",
    )
    atoms: int = setting(
        51,
        at_least(2, most=10_000),
        "atoms of `c51`, quantiles of `qr` and `iqn`",
        needs={"distribution": one_of("c51", "qr", "iqn")},
    )
    v_min: float = setting(
        -10.0, finite(), "lowest return, points", needs={"distribution": one_of("c51")}
    )
    v_max: float = setting(
        10.0, finite(), "highest return, points", needs={"distribution": one_of("c51")}
    )
    noisy_sigma: float = setting(
        0.0,
        at_least(0.0),
        "sigma_0 of the head's noisy layers; 0: ordinary layers; 0.5 in Fortunato et al. 2018",
    )
    precision: str = setting(
        "auto",
        one_of("auto", "float32", "bfloat16"),
        "arithmetic of the hidden layers; `auto`: bfloat16 for convolutions on a CPU with units "
        "for it (AVX512-BF16, AMX)",
    )


def check_agent(config: Config) -> None:
    """Checks that the agent settings of one run are compatible.

    Raises:
        UserError: The first incompatible setting.
    """
    agent = config.agent
    if agent.lr_min > agent.learning_rate:
        allowed = f"at most agent.learning_rate={agent.learning_rate:g}, the initial value"
        raise wrong("agent.lr_min", agent.lr_min, allowed)
    if agent.dueling == "streams" and not config.model.hidden:
        only = "at least one layer with agent.dueling=streams: each stream copies the last"
        raise wrong("model.hidden", config.model.hidden, only)
    if isinstance(agent, DQN):
        _check_dqn(agent, config)
        return
    if config.memory.name != "sequential":
        raise wrong("memory", config.memory.name, "memory=sequential with agent=keras_rl2")
    if config.env.num_envs not in ("auto", 1):
        raise wrong("env.num_envs", config.env.num_envs, "1 with agent=keras_rl2")
    if agent.target_update < 1:
        allowed = (
            "a whole number of steps >= 1 with agent=keras_rl2 (its soft update needs Keras 2)"
        )
        raise wrong("agent.target_update", agent.target_update, allowed)


def _check_dqn(agent: DQN, config: Config) -> None:
    if agent.target_sync == "game_end" and agent.target_update < 1:
        allowed = "steps >= 1 with agent.target_sync=game_end"
        raise wrong("agent.target_update", agent.target_update, allowed)
    if agent.munchausen:
        for field in ("double", "expected_sarsa"):
            if getattr(agent, field):
                only = "false with agent.munchausen=true, which defines its own policy"
                raise wrong(f"agent.{field}", True, only)
    if agent.expected_sarsa and config.policy.name == "boltzmann":
        only = "false with policy=boltzmann: no target for its clipped probabilities (softmax?)"
        raise wrong("agent.expected_sarsa", True, only)
    if agent.expected_sarsa and config.policy.name == "eps_z_greedy":
        only = "false with policy.name=eps_z_greedy, whose actions depend on more than the state"
        raise wrong("agent.expected_sarsa", True, only)
    if agent.distribution == "c51" and agent.v_min >= agent.v_max:
        raise wrong("agent.v_min", agent.v_min, f"less than agent.v_max={agent.v_max:g}")
    if agent.distribution in ("qr", "iqn") and math.isinf(agent.delta_clip):
        only = f"a finite number with agent.distribution={agent.distribution}: kappa of its loss"
        raise wrong("agent.delta_clip", agent.delta_clip, only)
