"""The typed configuration of one run.

A *step* is one decision of the agent; a *frame* is one frame of the emulator. A group that is a
union of dataclasses has several options; which one it is, is the class.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from models.setting import (
    ANY,
    at_least,
    between,
    finite_above,
    one_of,
    optional,
    rule,
    setting,
)
from runner.settings.agent import DQN, KerasRL2Agent
from runner.settings.env import EnvConfig
from runner.settings.memory import PrioritizedMemory, ReplayMemory, SequentialMemory
from runner.settings.model import BothModel, ConvModel, CustomModel, DenseModel
from runner.settings.obs import BothObservation, PixelObservation, RamObservation
from runner.settings.policy import Constant, Exponential, Linear, NoSchedule, Piecewise, Policy

__all__ = ["Config", "EnvConfig"]

AgentConfig = KerasRL2Agent  # what both agents have
ObsConfig = RamObservation | PixelObservation | BothObservation
PolicyConfig = Policy


@dataclass
class TrainConfig:
    """How long to train."""

    steps: int = setting(3000000, at_least(1, "steps"), "the step at which training ends")
    episodes: int | None = setting(
        None,
        optional(at_least(1, "games")),
        "training ends when so many games are over, if that is before `train.steps`",
    )
    minutes: float | None = setting(
        None,
        optional(finite_above(0)),
        "training ends after so many minutes, evaluations on the way and parts before a resume "
        "included, if that is before `train.steps`; two such runs are not identical",
    )
    warmup: int = setting(
        10000,
        at_least(0, "steps"),
        "steps before the first update, counted from `start_step`; at most `memory.limit`",
    )


@dataclass
class CheckpointConfig:
    """What is saved on the way: weights files, and checkpoints that a run is resumed from."""

    interval: int = setting(
        100000, at_least(1, "steps"), "between two checkpoints, and between two weights files"
    )
    weights: str = setting(
        "interval",
        one_of("interval", "episode"),
        "a weights file every `checkpoint.interval`, or at the end of every game",
    )
    keep: int = setting(
        2,
        at_least(1, "checkpoints"),
        "checkpoints kept; weights files are all kept; `memory=sequential` makes no checkpoints",
    )


@dataclass
class EvalConfig:
    """The games played with the network, unclipped and whole, lives ignored."""

    interval: int = setting(
        500000, at_least(0, "steps"), "between two evaluations on the way; 0: only at the end"
    )
    start: int = setting(0, at_least(0, "steps"), "no evaluation on the way before this step")
    episodes: int = setting(30, at_least(1, "games", 10**6), "games of one evaluation")
    epsilon: float = setting(0.01, between(0, 1), "probability of a random action in them")


@dataclass
class VideoConfig:
    """Videos of games, below ``videos/`` of the run directory ([videos.md](videos.md))."""

    name: str = setting(
        "final",
        one_of("off", "final", "best", "every_eval", "every_episode"),
        "which games; type `video=` instead",
    )
    mp4: bool = setting(True, ANY, "H.264, 60 frames/s: real speed, every frame of the emulator")
    gif: bool = setting(True, ANY, "real speed, fewer frames; `false` with `video=every_episode`")
    gif_megabytes: float = setting(3.0, finite_above(0), "size of a GIF at most, in 10^6 bytes")


@dataclass
class LoggerConfig:
    """What is shown while training, and where its figures are written to."""

    verbose: int = setting(
        1,
        between(0, 2),
        "while training, 0: nothing, 1: the progress line, 2: a line per game as well",
    )
    interval: float = setting(
        30.0, finite_above(0), "seconds between two lines where the output is not a terminal"
    )
    summary_interval: int = setting(
        1000, at_least(1, "steps"), "between two points of the curves below"
    )
    tensorboard: bool = setting(False, ANY, "TensorBoard's event files in `tensorboard/`")
    wandb: bool = setting(False, ANY, "Weights & Biases; `pip install -r requirements-wandb.txt`")
    wandb_mode: str = setting(
        "offline",
        one_of("offline", "online"),
        "kept in `wandb/` for `wandb sync`, or sent at once",
    )
    wandb_project: str = setting("atari-runner", ANY, "project of Weights & Biases")
    mlflow: bool = setting(False, ANY, "MLflow; `pip install -r requirements-mlflow.txt`")
    mlflow_uri: str | None = setting(
        None, ANY, "MLflow's tracking URI; `null`: `mlflow.db` in the run directory"
    )


@dataclass
class Config:
    """One run."""

    env: EnvConfig = field(default_factory=EnvConfig)
    obs: RamObservation | PixelObservation | BothObservation = field(default_factory=RamObservation)
    train: TrainConfig = field(default_factory=TrainConfig)
    model: DenseModel | ConvModel | BothModel | CustomModel = field(default_factory=DenseModel)
    agent: DQN | KerasRL2Agent = field(default_factory=DQN)
    memory: ReplayMemory | PrioritizedMemory | SequentialMemory = field(
        default_factory=ReplayMemory
    )
    policy: NoSchedule | Constant | Linear | Exponential | Piecewise = field(default_factory=Linear)
    checkpoint: CheckpointConfig = field(default_factory=CheckpointConfig)
    eval: EvalConfig = field(default_factory=EvalConfig)
    video: VideoConfig = field(default_factory=VideoConfig)
    logger: LoggerConfig = field(default_factory=LoggerConfig)
    features: str = setting("none", ANY, "game whose bytes the features name; type the option")
    seed: int = setting(0, between(0, 2**32 - 1), "of everything random")
    init_weights: str | None = setting(
        None,
        rule(lambda v: v != "", "an existing .weights.h5 file or keras-rl2 .h5f checkpoint"),
        "weights to start from: `.weights.h5`, or a keras-rl2 checkpoint (`.h5f`)",
    )
    start_step: int = setting(
        0,
        at_least(0, "steps"),
        "step at which the count and the epsilon schedule start; less than `train.steps`",
    )
