"""Builds keras-rl2's components from settings: network, memory, policy, agent."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import fields
from typing import Any, Final

import keras

from models.adapting import adapting
from models.bits import FoundBits
from models.build import build_model
from models.heads import Head
from models.ram import Ram
from models.tiles import FoundTiles
from runner.agent.dqn import CompiledDQNAgent
from runner.agent.optimizers import make_optimizer
from runner.agent.targets import Munchausen
from runner.cores import cpu_features
from runner.environments.build import Games
from runner.environments.random_play import random_play
from runner.errors import wrong
from runner.files import typed_path
from runner.keras_rl2 import DQNAgent, Memory, Policy, Processor, SequentialMemory
from runner.memory.priorities import Prioritization
from runner.memory.replay import ReplayMemory
from runner.policies.build import make_policy
from runner.settings import memory as settings
from runner.settings.agent import DQN
from runner.settings.checks import num_envs
from runner.settings.inputs import ram_seen
from runner.settings.model import BothModel, CustomModel, Encoded
from runner.settings.obs import BothObservation
from runner.settings.observations import screen_shape
from runner.settings.schema import Config
from runner.weights import load_weights

_DTYPES: Final = {"float32": "float32", "bfloat16": "mixed_bfloat16"}
_COMPUTES_BFLOAT16: Final = {"avx512_bf16", "amx_bf16"}  # features of a CPU


class RewardClipper(Processor):  # type: ignore[misc]
    """Clips rewards to +-``limit`` for learning (Mnih et al. 2015); reported scores are not."""

    def __init__(self, limit: float) -> None:
        self.limit = limit

    def process_reward(self, reward: float) -> float:
        """Returns the clipped reward."""
        return max(-self.limit, min(self.limit, reward))


def build_agent(config: Config, games: Games, *, adapts: bool = True) -> DQNAgent:
    """Builds and compiles the agent of a run: network, memory and policy from its settings.

    Args:
        config: Validated settings.
        games: Parallel environments, or any object with their observation space and actions.
        adapts: Whether layers adapt to random play: not if weights are loaded afterwards.

    Raises:
        UserError: The user's network or weights file is incompatible.
    """
    shape = games.single_observation_space.shape
    assert shape is not None
    model = make_model(config, shape, len(games.action_meanings))
    if adapts:
        _adapt(model, config)
    return make_agent(config, model, make_memory(config, shape), make_policy(config))


def make_model(config: Config, observation_shape: Sequence[int], nb_actions: int) -> keras.Model:
    """Builds the network and loads ``init_weights`` into it.

    Raises:
        UserError: The user's builder or weights file is incompatible.
    """
    model = config.model
    name = model.builder if isinstance(model, CustomModel) else model.name
    assert name is not None
    try:
        network = build_model(
            name,
            (config.obs.window, *observation_shape),
            nb_actions,
            arguments=model.arguments if isinstance(model, CustomModel) else _arguments(config),
            head=_head(config),
        )
    except (ValueError, TypeError) as error:
        raise wrong("model.builder", name, f"a network's function ({error})") from error
    if config.init_weights is not None:
        load_weights(network, typed_path(config.init_weights))
    return network


def _arguments(config: Config) -> dict[str, Any]:
    """Arguments of the network's builder function: the model's settings and the dtype."""
    model, agent = config.model, config.agent
    arguments = {f.name: getattr(model, f.name) for f in fields(model) if f.name != "name"}
    if agent.dueling == "streams":  # each stream has its own last hidden layer
        arguments["hidden"] = model.hidden[:-1]
    if isinstance(model, Encoded):
        arguments["ram"] = ram_seen(config)
    if isinstance(model, BothModel):
        assert isinstance(config.obs, BothObservation)
        arguments["screen_shape"] = screen_shape(config.env, config.obs)
    return {**arguments, "dtype": _DTYPES[precision(config)]}


def precision(config: Config) -> str:
    """The arithmetic of the hidden layers: float32 or bfloat16; weights are always float32."""
    if not isinstance(config.agent, DQN):
        return "float32"
    if config.agent.precision != "auto":
        return config.agent.precision
    # Dense layers gain nothing: XLA's conversions cost more than is saved (docs/performance.md).
    gains = config.model.name == "conv" and cpu_features() & _COMPUTES_BFLOAT16
    return "bfloat16" if gains else "float32"


def _head(config: Config) -> Head:
    # The settings of the same names. keras-rl2's agent has only some: the others stay at Head's
    # defaults, a scalar return estimate and ordinary layers.
    chosen = {**vars(config.model), **vars(config.agent)}
    settings_of_head = {f.name: chosen[f.name] for f in fields(Head) if f.name in chosen}
    streams = config.agent.dueling == "streams"
    return Head(**settings_of_head, stream_units=config.model.hidden[-1] if streams else 0)


def make_memory(config: Config, observation_shape: Sequence[int]) -> Memory:
    """Builds the replay memory."""
    memory = config.memory
    if isinstance(memory, settings.SequentialMemory):
        return SequentialMemory(memory.limit, window_length=config.obs.window)
    prioritization = None
    if isinstance(memory, settings.PrioritizedMemory):
        prioritization = Prioritization(
            memory.alpha, memory.beta_start, memory.beta_steps,
            epsilon=memory.priority_epsilon, first_step=config.start_step,
        )  # fmt: skip
    return ReplayMemory(
        memory.limit,
        config.obs.window,
        observation_shape,
        streams=num_envs(config),
        seed=config.seed,
        padding=config.obs.padding,
        n_step=config.agent.n_step,
        gamma=config.agent.gamma,
        redraw_at_borders=memory.border == "redraw",
        prioritization=prioritization,
    )


_AGENTS = {"dqn": CompiledDQNAgent, "keras_rl2": DQNAgent}


def make_agent(config: Config, model: keras.Model, memory: Memory, policy: Policy) -> DQNAgent:
    """Builds and compiles the agent. ``model`` already includes the dueling head."""
    agent = config.agent
    clip = agent.reward_clip
    built = _AGENTS[agent.name](
        **_own_arguments(config),
        model=model,
        nb_actions=model.output.shape[-1],
        memory=memory,
        policy=policy,
        gamma=agent.gamma,
        batch_size=agent.batch_size,
        # The memory starts empty at any ``start_step``, so the warm-up is counted from there.
        nb_steps_warmup=config.start_step + config.train.warmup,
        train_interval=agent.train_interval,
        target_model_update=agent.target_update,
        enable_double_dqn=agent.double,
        delta_clip=agent.delta_clip,
        processor=None if math.isinf(clip) else RewardClipper(clip),
    )
    if agent.name == "keras_rl2":
        built.jit_compile = agent.jit_compile
    built.compile(make_optimizer(agent))
    return built


def _own_arguments(config: Config) -> dict[str, Any]:
    """Arguments that the compiled agent takes in addition to keras-rl2's."""
    agent = config.agent
    if not isinstance(agent, DQN):
        return {}
    munchausen = Munchausen(agent.munchausen_alpha, agent.munchausen_tau, agent.munchausen_floor)
    return {
        "expected_sarsa": agent.expected_sarsa,
        "munchausen": munchausen if agent.munchausen else None,
        "seed": config.seed,
        "target_sync": agent.target_sync,
        "jit_compile": agent.jit_compile,
    }


def _adapt(model: keras.Model, config: Config) -> None:
    """Adapts the network's layers to random play, and prints what they found."""
    layers = [layer for layer in adapting(model) if not layer.is_adapted]
    if not layers:
        return
    seen = random_play(config.env, config.obs, config.seed, config.train.warmup)
    for layer in layers:
        layer.adapt(seen)
    ram = ram_seen(config) or Ram()
    for positions in (layer.found for layer in layers if isinstance(layer, FoundTiles)):
        names = ", ".join(position.label(ram) for position in positions) or "none"
        print(f"positions found in random play: {names}", flush=True)
    for bits in (layer.found for layer in layers if isinstance(layer, FoundBits)):
        names = ", ".join(dict.fromkeys(ram.label(bit.byte) for bit in bits)) or "none"
        print(f"codes found in random play: {names}", flush=True)


def places_found(config: Config, layers: Sequence[keras.layers.Layer]) -> list[str]:
    """Names of the positions that the network's layers found in random play."""
    ram = ram_seen(config) or Ram()
    found = [layer.found for layer in layers if isinstance(layer, FoundTiles)]
    return [position.label(ram) for each in found for position in each]
