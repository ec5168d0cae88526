"""The typed configuration of one run.

A *step* is one decision of the agent; a *frame* is one frame of the emulator. A group that is a
union of dataclasses has several options; the class identifies the option.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from models.setting import ANY, ON, Rule, at_least, between, finite_above, one_of, optional, setting
from runner.settings.agent import DQN, KerasRL2Agent
from runner.settings.env import EnvConfig
from runner.settings.memory import PrioritizedMemory, ReplayMemory, SequentialMemory
from runner.settings.model import BothModel, ConvModel, CustomModel, DenseModel
from runner.settings.obs import BothObservation, PixelObservation, RamObservation
from runner.settings.policy import Constant, Exponential, Linear, NoSchedule, Piecewise, Policy

__all__ = ["Config", "EnvConfig"]

ObsConfig = RamObservation | PixelObservation | BothObservation
PolicyConfig = Policy


@dataclass
class TrainConfig:
    """Duration of training."""

    steps: int = setting(3000000, at_least(1, "steps"), "the step at which training ends")
    episodes: int | None = setting(
        None,
        optional(at_least(1, "games")),
        "number of games after which training ends, if before `train.steps`",
    )
    minutes: float | None = setting(
        None,
        optional(finite_above(0)),
        "minutes after which training ends, if before `train.steps`, including intermediate "
        "evaluations and time before a resume; two such runs are not identical",
    )
    warmup: int = setting(
        10000,
        at_least(0, "steps"),
        "steps before the first update, counted from `start_step`; at most `memory.limit`; and "
        "steps of random play before training, to which layers adapt",
    )


@dataclass
class CheckpointConfig:
    """Files saved during training: weights files, and checkpoints to resume from."""

    interval: int = setting(
        100000, at_least(1, "steps"), "steps between checkpoints, and between weights files"
    )
    weights: str = setting(
        "interval",
        one_of("interval", "episode"),
        "a weights file every `checkpoint.interval`, or at the end of every game",
    )
    keep: int = setting(
        2,
        at_least(1, "checkpoints"),
        "checkpoints kept; all weights files are kept; `memory=sequential` has no checkpoints",
    )


@dataclass
class EvalConfig:
    """Evaluation games: unclipped rewards, full games, lost lives ignored."""

    interval: int = setting(
        500000, at_least(0, "steps"), "steps between intermediate evaluations; 0: only at the end"
    )
    start: int = setting(
        0,
        at_least(0, "steps"),
        "no intermediate evaluation before this step",
        needs={"interval": at_least(1)},
    )
    episodes: int = setting(30, at_least(1, "games", 10**6), "games per evaluation")
    epsilon: float = setting(0.01, between(0, 1), "probability of a random action in evaluations")


@dataclass
class VideoConfig:
    """Videos of games, below ``videos/`` of the run directory ([videos.md](videos.md))."""

    name: str = setting(
        "final",
        one_of("off", "final", "best", "every_eval", "every_episode"),
        "recorded games; use `video=` instead",
    )
    mp4: bool = setting(True, ANY, "H.264, 60 frames/s: real time, every emulator frame")
    gif: bool = setting(True, ANY, "real time, fewer frames; `false` with `video=every_episode`")
    gif_megabytes: float = setting(
        3.0, finite_above(0), "maximum size of a GIF, 10^6 bytes", needs={"gif": ON}
    )
    overlay: bool = setting(
        False,
        ANY,
        "beside the screen: the agent's Q-values, the value over time and, with `obs=ram`, the "
        "bytes that matter; `true` in `video=final`, `best` and `every_eval`, impossible with "
        "`every_episode`",
    )


@dataclass
class LoggerConfig:
    """Output during training, and destinations of its metrics."""

    verbose: int = setting(
        1,
        between(0, 2),
        "output during training: 0: none, 1: the progress line, 2: also a line per game",
    )
    interval: float = setting(
        30.0, finite_above(0), "seconds between lines if the output is not a terminal"
    )
    summary_interval: int = setting(
        1000, at_least(1, "steps"), "steps between points of the curves below"
    )
    tensorboard: bool = setting(False, ANY, "TensorBoard event files in `tensorboard/`")
    wandb: bool = setting(False, ANY, "Weights & Biases; `pip install -r requirements-wandb.txt`")
    wandb_mode: str = setting(
        "offline",
        one_of("offline", "online"),
        "store in `wandb/` for `wandb sync`, or upload immediately",
        needs={"wandb": ON},
    )
    wandb_project: str = setting(
        "atari-runner", ANY, "Weights & Biases project", needs={"wandb": ON}
    )
    mlflow: bool = setting(False, ANY, "MLflow; `pip install -r requirements-mlflow.txt`")
    mlflow_uri: str | None = setting(
        None,
        ANY,
        "MLflow's tracking URI; `null`: `mlflow.db` in the run directory",
        needs={"mlflow": ON},
    )


@dataclass
class Config:
    """One run."""

    env: EnvConfig = field(default_factory=EnvConfig)
    obs: ObsConfig = field(default_factory=RamObservation)
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
    seed: int = setting(0, between(0, 2**32 - 1), "seed of all random numbers")
    init_weights: str | None = setting(
        None,
        Rule(lambda v: v != "", "an existing .weights.h5 file or keras-rl2 .h5f checkpoint"),
        "initial weights: `.weights.h5`, or a keras-rl2 checkpoint (`.h5f`)",
    )
    start_step: int = setting(
        0,
        at_least(0, "steps"),
        "initial value of the step counter and the epsilon schedule; less than `train.steps`",
    )
