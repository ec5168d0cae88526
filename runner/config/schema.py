"""Every setting, typed: what it is, its unit, its range. The values live in ``conf/``.

A *step* is one decision of the agent; a *frame* is one frame of the emulator. These are plain
dataclasses: what they hold is checked in ``runner.config.checks``, and all code behind
``runner.__main__`` sees only them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Optional, Union

from omegaconf import MISSING

# Optional[X] and Union[X, Y] are spelled out below: OmegaConf reads these annotations at run time,
# on Python 3.10 too.


@dataclass
class EnvConfig:
    """The game and the rules it is played by."""

    game: str = MISSING  # ALE's name of the game
    protocol: str = MISSING  # v5 | nature | machado: the source of the five knobs that follow
    sticky: float = MISSING  # probability, per frame, that the last action is repeated, 0..1
    frame_skip: int = MISSING  # frames per step, >= 1
    full_actions: bool = MISSING  # all 18 actions of the console instead of the game's own
    noop_max: int = MISSING  # at most this many frames of no-op at the start of a game, >= 0
    life_loss: bool = MISSING  # the loss of a life is terminal for learning; the game goes on
    max_frames: int = MISSING  # frames after which a game is cut off (truncated), >= 1
    num_envs: Union[int, str] = MISSING  # games played at once, >= 1, or auto  # noqa: UP007
    rom_dir: Optional[str] = MISSING  # folder with the user's own ROMs; null: ALE's  # noqa: UP045


@dataclass
class ObsConfig:
    """What the agent sees of the game."""

    name: str = MISSING  # pixel | ram
    window: int = MISSING  # observations in a state, >= 1
    height: int = MISSING  # pixels, pixel only
    width: int = MISSING  # pixels, pixel only


@dataclass
class ModelConfig:
    """The network from a window of observations to one Q-value per action."""

    name: str = MISSING  # conv | dense | custom
    filters: list[int] = field(default_factory=list)  # of each convolution
    kernels: list[int] = field(default_factory=list)  # side of each kernel, pixels
    strides: list[int] = field(default_factory=list)  # of each convolution, pixels
    hidden: list[int] = MISSING  # units of each dense layer
    activation: str = MISSING  # Keras name
    scale: float = MISSING  # factor applied to the bytes inside the network
    builder: Optional[str] = MISSING  # package.module:function, custom only  # noqa: UP045
    arguments: dict[str, Any] = field(default_factory=dict)  # of the builder, custom only


@dataclass
class AgentConfig:
    """The learning algorithm."""

    name: str = MISSING  # dqn: compiled learner; keras_rl2: the stock agent
    gamma: float = MISSING  # discount per step, 0..1
    batch_size: int = MISSING  # transitions per update, >= 1
    train_interval: int = MISSING  # steps per update, >= 1
    target_update: float = MISSING  # >= 1: steps between hard syncs; < 1: soft rate per update
    learning_rate: float = MISSING  # of Adam, > 0
    adam_epsilon: float = MISSING  # of Adam, > 0
    double: bool = MISSING  # the online network chooses the action the target network values
    dueling: str = MISSING  # none | avg | max | naive
    delta_clip: float = MISSING  # TD error beyond which the loss is linear (Huber); inf: squared
    reward_clip: float = MISSING  # rewards are clipped to +-this for learning only; inf: not
    precision: str = MISSING  # auto | float32 | bfloat16: of the hidden layers


@dataclass
class MemoryConfig:
    """The replay memory."""

    name: str = MISSING  # replay: uint8 rings; sequential: keras-rl2's own
    limit: int = MISSING  # transitions kept


@dataclass
class PolicyConfig:
    """Epsilon-greedy, epsilon falling linearly (keras-rl2's LinearAnnealedPolicy)."""

    value_max: float = MISSING  # epsilon at step 0, 0..1
    value_min: float = MISSING  # epsilon from step nb_steps on, 0..value_max
    nb_steps: int = MISSING  # steps from value_max to value_min, >= 1


@dataclass
class TrainConfig:
    """How long to train."""

    steps: int = MISSING  # the step at which training ends
    warmup: int = MISSING  # steps before the first update


@dataclass
class CheckpointConfig:
    """What is saved on the way: weights files, and checkpoints that a run is resumed from."""

    interval: int = MISSING  # steps between two, >= 1
    keep: int = MISSING  # checkpoints kept (weights files are all kept), >= 1


@dataclass
class EvalConfig:
    """The games played with the network, unclipped and whole: at the end, and on the way."""

    interval: int = MISSING  # steps between two evaluations on the way, >= 0; 0: only at the end
    start: int = MISSING  # no evaluation on the way before this step, >= 0
    episodes: int = MISSING  # games, >= 1
    epsilon: float = MISSING  # probability of a random action, 0..1


@dataclass
class VideoConfig:
    """Pictures of games, below ``videos/`` of the run directory."""

    name: str = MISSING  # off | best | every_eval | every_episode: which games
    mp4: bool = MISSING  # H.264, 60 frames/s: real speed, every frame of the emulator
    gif: bool = MISSING  # real speed, fewer frames
    gif_megabytes: float = MISSING  # at most this large, in 10^6 bytes, > 0


@dataclass
class LoggerConfig:
    """What is shown while training, and where its figures are written to."""

    verbose: int = MISSING  # while training, 0: nothing, 1: progress, 2: a line per game as well
    progress: bool = MISSING  # the progress line
    interval: float = MISSING  # seconds between two lines where there is no terminal, > 0
    summary_interval: int = MISSING  # steps between two points of the curves below, >= 1
    tensorboard: bool = MISSING  # event files in the run directory
    wandb: bool = MISSING  # Weights & Biases
    wandb_mode: str = MISSING  # offline | online
    wandb_project: str = MISSING  # project of Weights & Biases
    mlflow: bool = MISSING  # MLflow
    mlflow_uri: Optional[str] = MISSING  # its store; null: in the run directory  # noqa: UP045


@dataclass
class Config:
    """One run."""

    env: EnvConfig = field(default_factory=EnvConfig)
    obs: ObsConfig = field(default_factory=ObsConfig)
    model: ModelConfig = field(default_factory=ModelConfig)
    agent: AgentConfig = field(default_factory=AgentConfig)
    memory: MemoryConfig = field(default_factory=MemoryConfig)
    policy: PolicyConfig = field(default_factory=PolicyConfig)
    train: TrainConfig = field(default_factory=TrainConfig)
    checkpoint: CheckpointConfig = field(default_factory=CheckpointConfig)
    eval: EvalConfig = field(default_factory=EvalConfig)
    video: VideoConfig = field(default_factory=VideoConfig)
    logger: LoggerConfig = field(default_factory=LoggerConfig)
    seed: int = MISSING  # of everything random, >= 0
    init_weights: Optional[str] = MISSING  # weights file to start from  # noqa: UP045
    start_step: int = MISSING  # step the count and the epsilon schedule start at, >= 0
