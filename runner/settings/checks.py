"""Checks of one run's settings, before TensorFlow is imported: ranges first, then what must fit.

Every failure is one line: field, value, what is allowed.
"""

from __future__ import annotations

import difflib
import importlib.util
import math
import shutil
import tempfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from runner.errors import wrong
from runner.settings.addresses import RAM_BYTES, is_place
from runner.settings.agent_checks import check_agent
from runner.settings.env_checks import check_env
from runner.settings.env_ids import all_ids
from runner.settings.games import all_games, check_rom
from runner.settings.memory_checks import check_memory, checkpoint_bytes
from runner.settings.observations import observation_shape
from runner.settings.policy_checks import check_policy
from runner.settings.schema import Config


@dataclass(frozen=True)
class Rule:
    """What one setting may be."""

    field: str
    holds: Callable[[Any], bool]
    allowed: str


def at_least(field: str, bound: float, unit: str = "") -> Rule:
    """The setting must be a finite number not below ``bound``."""
    number = "a number" if isinstance(bound, float) else "an integer"
    return Rule(field, lambda v: bound <= v < math.inf, f"{number} >= {bound:g}{unit}")


def above(field: str, bound: float) -> Rule:
    """The setting must be a number above ``bound``, infinity included."""
    return Rule(field, lambda v: v > bound, f"a number > {bound:g}")


def finite_above(field: str, bound: float) -> Rule:
    """The setting must be a finite number above ``bound``."""
    return Rule(field, lambda v: bound < v < math.inf, f"a finite number > {bound:g}")


def between(field: str, low: float, high: float) -> Rule:
    """The setting must be a number from ``low`` to ``high``."""
    return Rule(field, lambda v: low <= v <= high, f"a number from {low} to {high}")


def one_of(field: str, *choices: str) -> Rule:
    """The setting must be one of ``choices``."""
    return Rule(field, lambda v: v in choices, f"one of {', '.join(choices)}")


def finite(field: str) -> Rule:
    """The setting must be a finite number."""
    return Rule(field, math.isfinite, "a finite number")


def is_integer(value: Any, low: int, high: float = math.inf) -> bool:
    """Whether ``value`` is an integer from ``low`` to ``high``; true and false are none."""
    return isinstance(value, int) and not isinstance(value, bool) and low <= value <= high


def is_distinct(values: Any, low: int, high: float = math.inf) -> bool:
    """Whether ``values`` is a list of integers from ``low`` to ``high``, none twice, not empty."""
    return (
        isinstance(values, list)
        and all(is_integer(value, low, high) for value in values)
        and 0 < len(values) == len(set(values))
    )


_BYTES: Final = f"null or a list of different indices from 0 to {RAM_BYTES - 1}"


def is_bytes(values: Any) -> bool:
    """Whether ``values`` names bytes of the RAM, or is None for all."""
    return values is None or is_distinct(values, 0, RAM_BYTES - 1)


def positive_integers(field: str) -> Rule:
    """The setting must be a list of integers >= 1."""
    return Rule(field, lambda v: all(n >= 1 for n in v), "a list of integers >= 1")


ACTIVATIONS: Final = ("elu", "gelu", "leaky_relu", "relu", "selu", "silu", "sigmoid", "tanh")
INITIALIZERS: Final = (
    "glorot_normal", "glorot_uniform", "he_normal", "he_uniform", "he_untruncated_normal",
    "lecun_normal", "lecun_uniform",
)  # fmt: skip

OPTIONAL_PACKAGES: Final = ("wandb", "mlflow")  # logger.<package>

RULES: Final[tuple[Rule, ...]] = (
    Rule("env.game", lambda v: v in all_games(), "ALE's name of a game; better: env=<game>"),
    between("env.repeat_action_probability", 0, 1),
    Rule("env.id", lambda v: v is None or v in all_ids(), "null or a name of Gym 0.18 or ALE"),
    Rule(
        "env.frame_skip",
        lambda v: is_integer(v, 1) or is_distinct(v, 1),
        "an integer >= 1 frames, or a list of them to draw from, such as [2,3,4]",
    ),
    at_least("env.noop_max", 0, " frames"),
    finite("env.life_loss_reward"),
    at_least("env.start_moves_max", 0, " moves"),
    at_least("env.max_frames", 1, " frames"),
    Rule("env.max_steps", lambda v: v is None or v >= 1, "null or an integer >= 1 steps"),
    finite("env.truncation_reward"),
    Rule(
        "env.num_envs",
        lambda v: v == "auto" or (isinstance(v, int) and 1 <= v <= 1024),
        "auto or an integer from 1 to 1024",
    ),
    one_of("obs.name", "pixel", "ram"),
    between("obs.window", 1, 255),
    one_of("obs.padding", "zeros", "first"),
    Rule("obs.bytes", is_bytes, _BYTES),
    one_of("obs.color", "luma", "mean", "rgb"),
    Rule(
        "obs.crop",
        lambda v: v is None or (len(v) == 4 and 0 <= v[0] < v[1] and 0 <= v[2] < v[3]),
        "null or [top,bottom,left,right] in pixels, top < bottom, left < right",
    ),
    at_least("obs.subsample", 1),
    one_of("obs.resize", "area", "nearest", "bilinear", "none"),
    between("obs.height", 0, 4096),
    between("obs.width", 0, 4096),
    one_of("model.name", "conv", "dense", "custom"),
    positive_integers("model.filters"),
    positive_integers("model.kernels"),
    positive_integers("model.strides"),
    positive_integers("model.hidden"),
    one_of("model.conv_initializer", *INITIALIZERS),
    one_of("model.dense_initializer", *INITIALIZERS),
    one_of("model.activation", *ACTIVATIONS),
    finite_above("model.scale", 0.0),
    one_of("model.bits", "none", "add", "only"),
    Rule("model.bits_of", is_bytes, _BYTES),
    Rule(
        "model.tiles",
        lambda v: all(map(is_place, v)) and len(v) == len(set(v)),
        "a list of bytes from 0 to 127 and of differences of two, either up to 255 more, such as "
        "[70,70-30,70+24], none twice",
    ),
    positive_integers("model.slot_hidden"),
    one_of("agent.name", "dqn", "keras_rl2"),
    between("agent.gamma", 0, 1),
    between("agent.gamma_start", 0, 1),
    at_least("agent.gamma_steps", 0, " steps"),
    at_least("agent.batch_size", 1, " transitions"),
    at_least("agent.train_interval", 1, " steps"),
    at_least("agent.n_step", 1, " steps"),
    one_of("agent.target_sync", "steps", "game_end"),
    Rule(
        "agent.target_update",
        lambda v: 0 <= v < 1 or (1 <= v < math.inf and v == int(v)),
        "a whole number of steps >= 1 (hard syncs), a rate between 0 and 1 (soft updates) or 0 "
        "(no target network)",
    ),
    one_of("agent.optimizer", "adam", "adamw", "rmsprop", "sgd"),
    finite_above("agent.learning_rate", 0.0),
    at_least("agent.lr_min", 0.0),
    at_least("agent.lr_decay_steps", 0, " steps"),
    Rule("agent.lr_hold", lambda v: 0 <= v < 1, "a number >= 0 and < 1"),
    finite_above("agent.adam_epsilon", 0.0),
    between("agent.momentum", 0, 1),
    at_least("agent.weight_decay", 0.0),
    above("agent.gradient_clip", 0.0),
    Rule("agent.ema_decay", lambda v: 0 <= v < 1, "a number >= 0 and < 1"),
    between("agent.munchausen_alpha", 0, 1),
    finite_above("agent.munchausen_tau", 0.0),
    Rule("agent.munchausen_floor", lambda v: -math.inf < v <= 0, "a finite number <= 0"),
    one_of("agent.dueling", "none", "avg", "max", "naive", "streams"),
    one_of("agent.distribution", "none", "c51", "qr", "iqn"),
    at_least("agent.atoms", 2),
    Rule("agent.v_min", math.isfinite, "a finite number"),
    Rule("agent.v_max", math.isfinite, "a finite number"),
    at_least("agent.noisy_sigma", 0.0),
    above("agent.delta_clip", 0.0),
    above("agent.reward_clip", 0.0),
    one_of("agent.precision", "auto", "float32", "bfloat16"),
    Rule(
        "agent.jit_compile", lambda v: v == "auto" or v is True or v is False, "auto, true or false"
    ),
    one_of("memory.name", "replay", "sequential"),
    at_least("memory.limit", 1, " transitions"),
    one_of("memory.border", "pad", "redraw"),
    between("memory.alpha", 0, 1),
    between("memory.beta_start", 0, 1),
    finite_above("memory.priority_epsilon", 0.0),
    at_least("train.steps", 1, " steps"),
    Rule("train.episodes", lambda v: v is None or v >= 1, "null or an integer >= 1 games"),
    Rule("train.minutes", lambda v: v is None or 0 < v < math.inf, "null or a number > 0"),
    at_least("train.warmup", 0, " steps"),
    at_least("memory.beta_steps", 1, " steps"),  # train.steps, unless set
    at_least("checkpoint.interval", 1, " steps"),
    one_of("checkpoint.weights", "interval", "episode"),
    at_least("checkpoint.keep", 1, " checkpoints"),
    at_least("eval.interval", 0, " steps"),
    at_least("eval.start", 0, " steps"),
    at_least("eval.episodes", 1, " games"),
    between("eval.epsilon", 0, 1),
    one_of("video.name", "off", "best", "every_eval", "every_episode"),
    finite_above("video.gif_megabytes", 0.0),
    between("logger.verbose", 0, 2),
    finite_above("logger.interval", 0.0),
    at_least("logger.summary_interval", 1, " steps"),
    one_of("logger.wandb_mode", "offline", "online"),
    between("seed", 0, 2**32 - 1),
    at_least("start_step", 0, " steps"),
)


def nearest(name: str, choices: Iterable[str]) -> str:
    """Returns ``did you mean X? `` if one of ``choices`` is near ``name``, else nothing."""
    near = difflib.get_close_matches(name, list(choices), n=1, cutoff=0.6)
    return f"did you mean {near[0]}? " if near else ""


def value_of(config: Config, field: str) -> Any:
    """Returns the setting of dotted name ``field``."""
    value: Any = config
    for part in field.split("."):
        value = getattr(value, part)
    return value


def check(config: Config) -> None:
    """Checks that one run's settings are possible and fit together, on whatever machine.

    Raises:
        UserError: The first thing that is wrong.
    """
    for rule in RULES:
        value = value_of(config, rule.field)
        if not rule.holds(value):
            raise wrong(rule.field, value, rule.allowed)
    check_rom(config.env.game, config.env.rom_dir)
    check_env(config)
    _check_fit(config)


def _check_fit(config: Config) -> None:
    env, obs, model, agent = config.env, config.obs, config.model, config.agent
    if obs.name == "ram" and model.name == "conv":
        raise wrong("model", "conv", "model=dense or model=custom with obs=ram (bytes, no screen)")
    if model.name == "custom":
        if not model.builder or model.builder.count(":") != 1:
            raise wrong("model.builder", model.builder, "package.module:function")
    elif model.builder is not None:
        raise wrong("model.builder", model.builder, "null unless model=custom")
    if model.name == "conv":
        _check_convolutions(config)
    check_policy(config.policy)
    if agent.target_sync == "game_end" and agent.target_update < 1:
        raise wrong(
            "agent.target_update", agent.target_update, "steps >= 1 with agent.target_sync=game_end"
        )
    if agent.name == "keras_rl2":
        if config.memory.name != "sequential":
            raise wrong("memory", config.memory.name, "memory=sequential with agent=keras_rl2")
        if env.num_envs not in ("auto", 1):
            raise wrong("env.num_envs", env.num_envs, "1 with agent=keras_rl2")
        if agent.target_update < 1:
            raise wrong(
                "agent.target_update",
                agent.target_update,
                "a whole number of steps >= 1 with agent=keras_rl2 (its soft update needs Keras 2)",
            )
        if agent.target_sync != "steps":
            raise wrong("agent.target_sync", agent.target_sync, "steps with agent=keras_rl2")
    elif config.memory.name == "sequential" and num_envs(config) != 1:
        raise wrong("env.num_envs", env.num_envs, "1 with memory=sequential")
    check_memory(config)
    check_agent(config)
    _check_sizes(config)


def _check_convolutions(config: Config) -> None:
    model = config.model
    if not len(model.filters) == len(model.kernels) == len(model.strides):
        raise wrong(
            "model.filters",
            model.filters,
            f"as many entries as model.kernels={model.kernels} and model.strides={model.strides}",
        )
    screen = observation_shape(config.env, config.obs)[:2]
    height, width = screen
    for kernel, stride in zip(model.kernels, model.strides, strict=True):
        if min(height, width) < kernel:
            raise wrong(
                "model.kernels",
                model.kernels,
                f"kernels that fit a screen of {screen[0]}x{screen[1]} pixels",
            )
        height, width = (height - kernel) // stride + 1, (width - kernel) // stride + 1


def _check_sizes(config: Config) -> None:
    envs, window, batch = num_envs(config), config.obs.window, config.agent.batch_size
    limit, warmup = config.memory.limit, config.train.warmup
    # Sampling needs a window, a return and one more entry of every game, and a whole batch over
    # all of them.
    least = batch + envs * (window + config.agent.n_step + 1)
    n_step = config.agent.n_step
    steps = f"agent.n_step={n_step}, " if n_step > 1 else ""
    why = f"(agent.batch_size={batch}, obs.window={window}, {steps}{envs} game(s))"
    if limit < least:
        raise wrong(
            "memory.limit",
            limit,
            f"at least {least} {why}",
        )
    if warmup > limit:
        raise wrong("train.warmup", warmup, f"at most memory.limit={limit}")
    if warmup < least:
        raise wrong(
            "train.warmup",
            warmup,
            f"at least {least} {why}",
        )
    if config.start_step >= config.train.steps:
        raise wrong("start_step", config.start_step, f"less than train.steps={config.train.steps}")


def check_init_weights(config: Config) -> None:
    """Checks that the weights to start from are there.

    Raises:
        UserError: They are not.
    """
    if config.init_weights is None:
        return
    path = Path(config.init_weights).expanduser()
    if path.is_file() or path.with_name(path.name + ".index").is_file():
        return
    raise wrong(
        "init_weights",
        config.init_weights,
        "an existing .weights.h5 file or keras-rl2 .h5f checkpoint (no such file)",
    )


def check_disk(config: Config, folder: Path) -> None:
    """Checks that the checkpoints of a new run fit on the disk of ``folder``.

    Raises:
        UserError: They do not.
    """
    check_disk_for([config], folder)


def check_disk_for(configs: Sequence[Config], folder: Path) -> None:
    """Checks that the checkpoints of all these runs fit on the disk of ``folder`` together.

    Raises:
        UserError: They do not.
    """
    needed = sum(checkpoint_bytes(config) for config in configs)
    free = shutil.disk_usage(_existing(folder)).free
    if needed > free:
        whose = f"those of {len(configs)} runs" if len(configs) > 1 else "they"
        raise wrong(
            "memory.limit",
            max(config.memory.limit for config in configs),
            f"a replay whose checkpoints fit on the disk: {whose} take up to "
            f"{needed / 1e9:.1f} GB, {free / 1e9:.1f} GB are free",
        )


def check_packages(config: Config) -> None:
    """Checks that what is chosen and not installed by default is there.

    Raises:
        UserError: It is not.
    """
    for name in OPTIONAL_PACKAGES:
        if getattr(config.logger, name) and importlib.util.find_spec(name) is None:
            install = f"pip install -r requirements-{name}.txt"
            raise wrong(f"logger.{name}", "true", f"the package {name} ({install})")


def _existing(folder: Path) -> Path:
    """The nearest parent of ``folder`` that exists."""
    parent = folder.absolute()
    while not parent.exists():
        parent = parent.parent
    return parent


def is_writable(folder: Path) -> bool:
    """Whether ``folder`` can be made and written to, without making it."""
    try:
        # Tried, not asked: permissions say little on a read-only disk, and nothing to root.
        with tempfile.TemporaryFile(dir=_existing(folder)):
            return True
    except OSError:
        return False


def check_writable(folder: Path, field: str) -> None:
    """Checks that ``folder``, given as ``field``, can be made and written to, without making it.

    Raises:
        UserError: The nearest existing parent cannot be written to.
    """
    if not is_writable(folder):
        allowed = f"a folder that can be written to ({_existing(folder)} cannot)"
        raise wrong(field, folder, allowed)


def num_envs(config: Config) -> int:
    """Games played at once: what is set, or the choice behind ``auto``."""
    if config.env.num_envs != "auto":
        return int(config.env.num_envs)
    single = config.agent.name == "keras_rl2" or config.memory.name == "sequential"
    # Four groups of 16: one call for 16 states costs little more than for one.
    return 1 if single else 64


def threads(config: Config) -> int | None:
    """Threads that one operation of TensorFlow may use; None: one for each core."""
    # A dense update is too small to share out while the emulators want the other cores; with less
    # than four steps an update, they do not.
    return 1 if config.model.name == "dense" and config.agent.train_interval >= 4 else None
