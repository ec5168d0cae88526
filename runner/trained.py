"""Loads a trained network from a run directory or from the pretrained agents."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from runner.errors import UserError, wrong
from runner.files import typed_path
from runner.ram_maps import ram_of
from runner.run_directory import RunDirectory
from runner.settings.convert import nearest
from runner.settings.resume import named_run
from runner.settings.schema import Config
from runner.shipped import shipped

if TYPE_CHECKING:
    import keras

    from models.ram import Ram
    from runner.evaluation import QFunction

PRETRAINED: Final = shipped("pretrained")
# Arguments that choose a trained network and how it plays, with their types.
KINDS: Final = {
    "run": str,
    "pretrained": str,
    "episodes": int,
    "epsilon": float,
    "repeat_action_probability": float,
    "seed": int,
    "model.builder": str,
    "out": str,
}


class Trained(NamedTuple):
    """A trained network with its settings."""

    out: Path  # output folder, not yet created
    weights: Path
    config: Config
    model: keras.Model
    q_values: QFunction

    @property
    def ram(self) -> Ram:
        """Names and addresses of the bytes in an observation."""
        return ram_of(self.config.env.game, getattr(self.config.obs, "bytes", None))


@dataclass(frozen=True)
class Play:
    """How a trained network plays; None: as in its run.

    Args:
        episodes: Number of games.
        epsilon: Probability of a random action.
        repeat_action_probability: Probability per frame that the last action is repeated.
        seed: Seed of the games and the random actions.
        builder: Builder function of the run's network, if it is custom.
        out: The output file; None: in the run's folder.
    """

    episodes: int | None = None
    epsilon: float | None = None
    repeat_action_probability: float | None = None
    seed: int = 0
    builder: str | None = None
    out: Path | None = None

    @classmethod
    def of(cls, given: Mapping[str, Any], suffixes: Sequence[str]) -> Play:
        """Creates a ``Play`` from typed arguments.

        Args:
            given: Values by name, as in ``KINDS``.
            suffixes: Allowed suffixes of ``out``.

        Raises:
            UserError: A value is invalid.
        """
        for name, least in (("episodes", 1), ("seed", 0)):
            if name in given and given[name] < least:
                raise wrong(name, given[name], f"an integer >= {least}")
        own = {f.name: given[f.name] for f in dataclasses.fields(cls) if f.name in given}
        own["builder"] = given.get("model.builder")
        if "out" in given:
            own["out"] = typed_path(given["out"])
            if own["out"].suffix not in suffixes:
                raise wrong("out", given["out"], f"a file that ends in {' or '.join(suffixes)}")
        return cls(**own)


def chosen(given: Mapping[str, Any], usage: str) -> Path:
    """Returns the run selected by ``run=`` or ``pretrained=``.

    Raises:
        UserError: Neither or both are given, or there is no such run or pretrained agent.
    """
    if "pretrained" not in given:
        if "run" not in given:
            raise UserError(f"run: missing; expected {usage}")
        return named_run("run", given["run"])
    if "run" in given:
        raise UserError(f"run={given['run']}: expected run= or pretrained=, not both")
    name: str = given["pretrained"]
    names = pretrained_names()
    if name not in names:
        hint = nearest(name, names)
        raise UserError(f"pretrained={name}: {hint}expected one of {', '.join(names)}")
    return PRETRAINED / name


def pretrained_names() -> list[str]:
    """Names of the pretrained agents."""
    return sorted(config.parent.name for config in PRETRAINED.glob("*/config.yaml"))


def load_trained(run: Path, play: Play) -> Trained:
    """Loads a run's network; settings that ``play`` does not give are the run's.

    Args:
        run: A run directory (its final or newest weights), or one of its weights files.
        play: Settings of play.

    Raises:
        UserError: A file is missing or incompatible.
    """
    from runner.environments.atari import actions_of
    from runner.settings import checks, saved
    from runner.settings.observations import observation_shape

    directory, weights = RunDirectory.find(run)
    config = directory.read_config()
    saved.allow_builder(config, directory.folder, play.builder)
    out = directory.folder if play.out is None else play.out.parent
    if play.out is None and is_pretrained(out):
        out = Path("runs", "pretrained", out.name)
    if not checks.is_writable(out):
        field, hint = ("run", ", or out=FILE elsewhere") if play.out is None else ("out", "")
        raise wrong(field, out, f"a folder that can be written to{hint}")
    config = dataclasses.replace(
        config,
        env=_played(config.env, play, "repeat_action_probability"),
        eval=_played(config.eval, play, "episodes", "epsilon"),
        init_weights=None,
        seed=play.seed,
    )
    checks.check(config)
    # No emulator here: TensorFlow's import keeps the frames that it is called from, with their
    # variables, and an emulator that outlives the program is reported in 20 lines.
    shape, nb_actions = observation_shape(config.env, config.obs), len(actions_of(config.env))

    from runner import tensorflow_setup

    tensorflow_setup.set_up(play.seed)
    from runner.agent.build import make_model
    from runner.agent.dqn import q_function
    from runner.agent.xla import uses_xla
    from runner.weights import load_weights

    model = make_model(config, shape, nb_actions)
    load_weights(model, weights, "run")
    compiles = uses_xla(model, config.agent.jit_compile)
    return Trained(out, weights, config, model, q_function(model, compiles))


def is_pretrained(folder: Path) -> bool:
    """Whether ``folder`` is a pretrained agent, which is read-only."""
    return PRETRAINED in folder.resolve().parents


def _played(settings: Any, play: Play, *names: str) -> Any:
    """``settings`` with those of ``names`` that ``play`` gives."""
    given = {name: value for name in names if (value := getattr(play, name)) is not None}
    return dataclasses.replace(settings, **given)
