"""Validates ``model.inputs`` against the game and its observations."""

from __future__ import annotations

from models.ram import Ram
from models.setting import wrong
from runner.ram_maps import ram_of
from runner.settings.model import Encoded
from runner.settings.obs import BothObservation, RamObservation
from runner.settings.schema import Config


def ram_seen(config: Config) -> Ram | None:
    """Names and addresses of the observed RAM bytes; None: only the screen is observed."""
    obs = config.obs
    if isinstance(obs, RamObservation):
        return ram_of(config.env.game, obs.bytes)
    return ram_of(config.env.game, None) if isinstance(obs, BothObservation) else None


def check_inputs(config: Config) -> None:
    """Checks ``model.inputs``.

    Raises:
        UserError: An encoder is incompatible with this game or observation.
    """
    model, ram = config.model, ram_seen(config)
    encoders = model.inputs if isinstance(model, Encoded) else []
    least = min((encoder.least_window for encoder in encoders), default=1)
    if config.obs.window < least:
        kinds = ",".join(encoder.kind for encoder in encoders)
        raise wrong("obs.window", config.obs.window, f"{least} or more with model.inputs=[{kinds}]")
    for k, encoder in enumerate(encoders):
        key = f"model.inputs[{k}]"
        if ram is not None:
            encoder.check(ram, key)
        elif encoder.of_ram:
            raise wrong(key, encoder.kind, "scaled, or obs=ram: it reads RAM bytes")
