"""Every setting, typed: what it is, its unit, its range. The values live in ``conf/``.

A *step* is one decision of the agent; a *frame* is one frame of the emulator. These are plain
dataclasses: what they hold is checked in ``runner.settings.checks``, and all code behind
``runner.__main__`` sees only them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Optional, Union

from omegaconf import MISSING

# A setting that came after the first runs has a default here, what they did: they stay playable.
# Optional[X] and Union[X, Y] are spelled out below: OmegaConf reads these annotations at run time,
# on Python 3.10 too.


@dataclass
class EnvConfig:
    """The game and the rules it is played by."""

    game: str = MISSING  # ALE's name of the game
    id: Optional[str] = MISSING  # old name of game and rules, Breakout-v0  # noqa: UP045
    protocol: str = MISSING  # v5 | nature | machado: the source of the five knobs that follow
    repeat_action_probability: float = (
        MISSING  # probability, per frame, that the last action is repeated, 0..1
    )
    # Frames per step, >= 1, or a list of them, one of which is drawn at every step. (Any: OmegaConf
    # knows no union with a list.)
    frame_skip: Any = MISSING
    full_actions: bool = MISSING  # all 18 actions of the console instead of the game's own
    noop_max: int = MISSING  # at most this many frames of no-op at the start of a game, >= 0
    terminal_on_life_loss: bool = MISSING  # for learning; the game goes on
    life_loss_reward: float = MISSING  # added to the learner's reward where a life is lost
    fire_at_start: bool = MISSING  # FIRE is pressed at the start of every life
    start_moves_max: int = MISSING  # at most this many random moves at the start of a game, >= 0
    max_frames: int = MISSING  # frames after which a game is cut off (truncated), >= 1
    max_steps: Optional[int] = MISSING  # steps after which it is, >= 1; null: none  # noqa: UP045
    truncation_reward: float = MISSING  # added to the learner's reward where a game is cut off
    truncation_is_terminal: bool = MISSING  # a game cut off is over for learning: no bootstrap
    num_envs: Union[int, str] = MISSING  # games played at once, >= 1, or auto  # noqa: UP007
    rom_dir: Optional[str] = MISSING  # folder with the user's own ROMs; null: ALE's  # noqa: UP045


@dataclass
class ObsConfig:
    """What the agent sees of the game."""

    name: str = MISSING  # pixel | ram
    window: int = MISSING  # observations in a state, >= 1
    padding: str = MISSING  # zeros | first: fills windows at an episode's start
    zero_terminal_observation: bool = MISSING  # the last observation of a game is all zeros
    bytes: Optional[list[int]] = MISSING  # of the RAM, these only; ram only  # noqa: UP045
    # Pixel only, in the order in which they are applied:
    max_pool: bool = MISSING  # maximum of a step's last two frames instead of the last
    color: str = MISSING  # luma | mean | rgb
    crop: Optional[list[int]] = MISSING  # top, bottom, left, right, pixels  # noqa: UP045
    subsample: int = MISSING  # every n-th row and column, >= 1
    resize: str = MISSING  # area | nearest | bilinear | none
    height: int = MISSING  # pixels, unless resize is none
    width: int = MISSING  # pixels, unless resize is none


@dataclass
class SlotConfig:
    """What is read of one of several like things, such as a lane of fish."""

    numbers: list[str] = field(default_factory=list)  # places, with their changes
    bits: list[int] = field(default_factory=list)  # bytes of the RAM
    tiles: list[str] = field(default_factory=list)  # places


@dataclass
class ModelConfig:
    """The network from a window of observations to one Q-value per action."""

    name: str = MISSING  # conv | dense | custom
    filters: list[int] = field(default_factory=list)  # of each convolution
    kernels: list[int] = field(default_factory=list)  # side of each kernel, pixels
    strides: list[int] = field(default_factory=list)  # of each convolution, pixels
    conv_bias: bool = True  # whether the convolutions have biases
    per_frame: bool = False  # the convolutions see one frame of the window at a time
    conv_initializer: str = "glorot_uniform"  # of the convolutions' kernels
    hidden: list[int] = MISSING  # units of each dense layer
    dense_initializer: str = "glorot_uniform"  # of the dense layers' kernels
    activation: str = MISSING  # Keras name
    layer_norm: bool = MISSING  # normalise the hidden layers before their activation
    scale: float = MISSING  # factor applied to the bytes inside the network
    standardise: bool = False  # bytes less their mean over their deviation, not scaled; dense only
    differences: bool = False  # the window as its newest bytes and their changes; dense only
    gains: bool = False  # each input times a gain that is learned; dense only
    bits: str = "none"  # none | add | only: the bits of each byte as inputs, dense only
    bits_of: Optional[list[int]] = None  # bytes of the RAM whose bits; null: all  # noqa: UP045
    # Bytes "70", differences "70-30", either with a number on top "70+24"; dense only.
    tiles: list[str] = field(default_factory=list)
    # Like things, which one small network reads with the same weights; dense only.
    slots: list[SlotConfig] = field(default_factory=list)
    slot_hidden: list[int] = field(default_factory=lambda: [128, 64])  # units of its layers
    builder: Optional[str] = MISSING  # package.module:function, custom only  # noqa: UP045
    arguments: dict[str, Any] = field(default_factory=dict)  # of the builder, custom only


@dataclass
class AgentConfig:
    """The learning algorithm."""

    name: str = MISSING  # dqn: compiled learner; keras_rl2: the stock agent
    gamma: float = MISSING  # discount per step, 0..1
    gamma_start: float = 0.99  # what it is at first, if it rises, 0..1
    gamma_steps: int = 0  # steps until it has risen; 0: it stays
    batch_size: int = MISSING  # transitions per update, >= 1
    train_interval: int = MISSING  # steps per update, >= 1
    n_step: int = MISSING  # steps of a return, >= 1
    target_sync: str = MISSING  # steps: hard syncs when due; game_end: at the next end of a game
    target_update: float = MISSING  # >= 1: steps between hard syncs; < 1: soft rate; 0: no target
    optimizer: str = MISSING  # adam | adamw | rmsprop | sgd
    learning_rate: float = MISSING  # of the optimizer, > 0
    lr_min: float = 0.0  # what it falls to, in a straight line, >= 0
    lr_decay_steps: int = 0  # steps of learning until it has fallen; 0: it stays
    lr_hold: float = 0.0  # share of these before it begins to fall, >= 0, < 1
    adam_epsilon: float = MISSING  # of adam, adamw and rmsprop, > 0
    momentum: float = MISSING  # of rmsprop and sgd, 0..1
    weight_decay: float = MISSING  # of adamw, per update, relative to the learning rate, >= 0
    gradient_clip: float = MISSING  # greatest norm of the whole gradient, > 0; inf: any
    ema_decay: float = 0.0  # share of their mean that an update keeps, 0..1; 0: no mean
    double: bool = MISSING  # the online network chooses the action the target network values
    expected_sarsa: bool = MISSING  # targets are the value under the behaviour policy
    munchausen: bool = MISSING  # rewards and values of a softmax policy
    munchausen_alpha: float = MISSING  # weight of the taken action's log-probability, 0..1
    munchausen_tau: float = MISSING  # temperature, in points, > 0
    munchausen_floor: float = MISSING  # least tau * log-probability that is added, <= 0
    dueling: str = MISSING  # none | avg | max | naive: one layer; streams: a hidden layer each
    distribution: str = MISSING  # none | c51 | qr | iqn: what is learned of the return
    atoms: int = MISSING  # returns of c51, quantiles of qr and iqn, >= 2
    v_min: float = MISSING  # least return of c51, in points
    v_max: float = MISSING  # greatest return of c51, in points
    noisy_sigma: float = MISSING  # sigma_0 of the head's noisy layers, >= 0; 0: ordinary layers
    delta_clip: float = MISSING  # TD error beyond which the loss is linear (Huber); inf: squared
    reward_clip: float = MISSING  # rewards are clipped to +-this for learning only; inf: not
    precision: str = MISSING  # auto | float32 | bfloat16: of the hidden layers
    jit_compile: Any = "auto"  # auto | true | false: compile with XLA; auto: the faster of the two


@dataclass
class MemoryConfig:
    """The replay memory."""

    name: str = MISSING  # replay: uint8 rings; sequential: keras-rl2's own
    limit: int = MISSING  # transitions kept
    border: str = MISSING  # windows that begin before their episode: pad: zeros | redraw: not drawn
    prioritized: bool = MISSING  # drawn by TD error, not equally often
    alpha: float = MISSING  # exponent of the priorities, 0..1; prioritized only, as what follows
    beta_start: float = MISSING  # exponent of the importance weights at step 0, 0..1
    beta_steps: int = MISSING  # steps from beta_start to 1, >= 1
    priority_epsilon: float = MISSING  # added to the absolute TD errors, > 0


@dataclass
class PolicyConfig:
    """The rule that chooses the actions while training, and its parameter by step."""

    name: str = MISSING  # eps_greedy | eps_z_greedy | greedy | softmax | boltzmann (clipped)
    schedule: str = MISSING  # of epsilon or tau: constant | linear | exponential | piecewise
    value_max: Optional[float] = MISSING  # at step 0; constant: throughout  # noqa: UP045
    value_min: Optional[float] = MISSING  # linear: in the end; exponential: limit  # noqa: UP045
    nb_steps: Optional[int] = MISSING  # linear: from value_max to value_min, >= 1  # noqa: UP045
    rate: Optional[float] = MISSING  # exponential: per step, > 0  # noqa: UP045
    points: list[Any] = MISSING  # piecewise: [[step, value], ...], straight lines between
    clip: list[float] = MISSING  # boltzmann: lowest and highest Q / tau
    exponent: float = 2.0  # eps_z_greedy: of how long a random action lasts, > 1
    max_action_repeat: int = 100  # eps_z_greedy: steps that it lasts at most, >= 1
    epsilon_spread: float = 0.0  # eps_z_greedy: of epsilon among the games played at once, >= 0
    repeat_share: float = 1.0  # eps_z_greedy: share of the games where random actions last, 0..1
    random_ties: bool = MISSING  # equally good actions are drawn from, not the first taken


@dataclass
class TrainConfig:
    """How long to train."""

    steps: int = MISSING  # the step at which training ends
    episodes: Optional[int] = MISSING  # games after which it ends before; null: any  # noqa: UP045
    minutes: Optional[float] = MISSING  # of training after which it ends; null: any  # noqa: UP045
    warmup: int = MISSING  # steps before the first update


@dataclass
class CheckpointConfig:
    """What is saved on the way: weights files, and checkpoints that a run is resumed from."""

    interval: int = MISSING  # steps between two, >= 1
    weights: str = MISSING  # interval: a weights file every interval; episode: one per game
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
    features: str = "none"  # game whose bytes model.tiles, bits_of and slots name, or none
    seed: int = MISSING  # of everything random, >= 0
    init_weights: Optional[str] = MISSING  # weights file to start from  # noqa: UP045
    start_step: int = MISSING  # step the count and the epsilon schedule start at, >= 0
