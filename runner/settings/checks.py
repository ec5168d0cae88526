"""Validates a run's settings before TensorFlow is imported: ranges first, then relations.

Every error is one line: field, value, allowed values.
"""

from __future__ import annotations

import dataclasses
import importlib.util
import shutil
import tempfile
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Final

from models.setting import check_fields, shown
from runner.errors import wrong
from runner.files import typed_path
from runner.settings.agent import check_agent
from runner.settings.env_checks import check_env
from runner.settings.games import check_rom
from runner.settings.memory_checks import checkpoint_bytes
from runner.settings.model import ConvModel
from runner.settings.obs import PixelObservation
from runner.settings.observations import screen_shape
from runner.settings.policy import check_policy
from runner.settings.schema import Config

OPTIONAL_PACKAGES: Final = ("wandb", "mlflow")  # logger.<package>


def check(config: Config) -> None:
    """Checks that one run's settings are valid and compatible, independently of the machine.

    Raises:
        UserError: The first invalid setting.
    """
    check_fields(config, "")
    check_rom(config.env.game, config.env.rom_dir)
    check_env(config)
    _check_fit(config)


def check_effects(config: Config, typed: Collection[str]) -> None:
    """Checks that no setting was typed that has no effect with the others.

    Args:
        config: The settings.
        typed: Names of the individually typed ones, such as ``agent.momentum``.

    Raises:
        UserError: The first setting without effect.
    """
    for group, settings in vars(config).items():
        for field in dataclasses.fields(settings) if dataclasses.is_dataclass(settings) else ():
            for other, rule in field.metadata.get("needs", {}).items():
                key, value = f"{group}.{field.name}", getattr(settings, other)
                if key in typed and rule.fault(value) is not None:
                    allowed = f"{group}.{other} to be {rule.allowed} with it (not {shown(value)})"
                    raise wrong(key, getattr(settings, field.name), allowed)


# Networks for each observation, in addition to custom ones.
_NETWORKS: Final = {"ram": ["dense"], "pixel": ["conv", "dense"], "both": ["both"]}


def _check_fit(config: Config) -> None:
    env, obs, model = config.env, config.obs, config.model
    if model.name not in (*_NETWORKS[obs.name], "custom"):
        fitting = " or ".join(f"model={name}" for name in (*_NETWORKS[obs.name], "custom"))
        raise wrong("model", model.name, f"{fitting} with obs={obs.name}")
    if isinstance(model, ConvModel):
        _check_convolutions(config, model)
    check_policy(config.policy)
    if config.memory.name == "sequential" and num_envs(config) != 1:
        raise wrong("env.num_envs", env.num_envs, "1 with memory=sequential")
    if config.memory.name == "sequential" and config.agent.n_step != 1:
        raise wrong("agent.n_step", config.agent.n_step, "1 with memory=sequential")
    check_agent(config)
    if config.video.name == "every_episode" and config.video.overlay:
        raise wrong("video.overlay", True, "false with video=every_episode")
    _check_sizes(config)


def _check_convolutions(config: Config, model: ConvModel) -> None:
    if not len(model.filters) == len(model.kernels) == len(model.strides):
        others = f"model.kernels={model.kernels} and model.strides={model.strides}"
        raise wrong("model.filters", model.filters, f"as many entries as {others}")
    assert isinstance(config.obs, PixelObservation)
    screen = screen_shape(config.env, config.obs)[:2]
    height, width = screen
    for kernel, stride in zip(model.kernels, model.strides, strict=True):
        if min(height, width) < kernel:
            allowed = f"kernels that fit a screen of {screen[0]}x{screen[1]} pixels"
            raise wrong("model.kernels", model.kernels, allowed)
        height, width = (height - kernel) // stride + 1, (width - kernel) // stride + 1


def _check_sizes(config: Config) -> None:
    envs, window, batch = num_envs(config), config.obs.window, config.agent.batch_size
    limit, warmup = config.memory.limit, config.train.warmup
    # Sampling needs a window, a return and one more entry of every environment, and a full batch
    # over all environments.
    n_step = config.agent.n_step
    least = batch + envs * (window + n_step + 1)
    steps = f"agent.n_step={n_step}, " if n_step > 1 else ""
    why = f"(agent.batch_size={batch}, obs.window={window}, {steps}{envs} environment(s))"
    if limit < least:
        raise wrong("memory.limit", limit, f"at least {least} {why}")
    if warmup > limit:
        raise wrong("train.warmup", warmup, f"at most memory.limit={limit}")
    if warmup < least:
        raise wrong("train.warmup", warmup, f"at least {least} {why}")
    if config.start_step >= config.train.steps:
        raise wrong("start_step", config.start_step, f"less than train.steps={config.train.steps}")


def check_init_weights(config: Config) -> None:
    """Checks that the initial weights file exists.

    Raises:
        UserError: It does not exist.
    """
    if config.init_weights is None:
        return
    path = typed_path(config.init_weights)
    if path.is_file() or path.with_name(path.name + ".index").is_file():
        return
    allowed = "an existing .weights.h5 file or keras-rl2 .h5f checkpoint (no such file)"
    raise wrong("init_weights", config.init_weights, allowed)


def check_disk(configs: Sequence[Config], folder: Path) -> None:
    """Checks that the checkpoints of all new runs together fit on the disk of ``folder``.

    Raises:
        UserError: They do not fit.
    """
    needed = sum(checkpoint_bytes(config) for config in configs)
    free = shutil.disk_usage(_existing(folder)).free
    if needed > free:
        whose = f"those of {len(configs)} runs" if len(configs) > 1 else "they"
        raise wrong(
            "memory.limit",
            max(config.memory.limit for config in configs),
            f"a replay memory whose checkpoints fit on the disk: {whose} take up to "
            f"{needed / 1e9:.1f} GB, {free / 1e9:.1f} GB are free",
        )


def check_packages(config: Config) -> None:
    """Checks that the optional packages of the chosen loggers are installed.

    Raises:
        UserError: A package is not installed.
    """
    for name in OPTIONAL_PACKAGES:
        if getattr(config.logger, name) and importlib.util.find_spec(name) is None:
            install = f"pip install -r requirements-{name}.txt"
            raise wrong(f"logger.{name}", True, f"the package {name} ({install})")


def _existing(folder: Path) -> Path:
    """The nearest parent of ``folder`` that exists."""
    parent = folder.absolute()
    while not parent.exists():
        parent = parent.parent
    return parent


def is_writable(folder: Path) -> bool:
    """Whether ``folder`` can be created and written to, without creating it."""
    try:
        # Tests by writing: permission bits mislead on a read-only disk, and for root.
        with tempfile.TemporaryFile(dir=_existing(folder)):
            return True
    except OSError:
        return False


def check_writable(folder: Path, field: str) -> None:
    """Checks that ``folder``, the value of ``field``, is writable, without creating it.

    Raises:
        UserError: The nearest existing parent cannot be written to.
    """
    if not is_writable(folder):
        allowed = f"a folder that can be written to ({_existing(folder)} cannot)"
        raise wrong(field, folder, allowed)


def num_envs(config: Config) -> int:
    """Number of parallel environments: the setting, or the value chosen for ``auto``."""
    if config.env.num_envs != "auto":
        return int(config.env.num_envs)
    single = config.agent.name == "keras_rl2" or config.memory.name == "sequential"
    # Four groups of 16: a call for 16 states costs little more than a call for one.
    return 1 if single else 64


def threads(config: Config) -> int | None:
    """Number of threads per TensorFlow operation; None: one per core."""
    # A dense update of few transitions is too small to parallelise while the emulators need the
    # other cores; with fewer than four steps per update, they do not.
    small = config.model.name == "dense" and config.agent.batch_size <= 64
    return 1 if small and config.agent.train_interval >= 4 else None
