"""What the network is told to look at by address: bytes that are in the observation."""

from __future__ import annotations

from typing import Final

from runner.errors import wrong
from runner.settings.addresses import RAM_BYTES, is_place, parse_place
from runner.settings.obs import RamObservation
from runner.settings.schema import Config, SlotConfig

_PARTS: Final = ("numbers", "bits", "tiles")  # of a slot


def check_bytes(config: Config) -> None:
    """Checks ``features`` and what it sets.

    Raises:
        UserError: One of them is not of this observation and network, or not all slots are alike.
    """
    model, obs = config.model, config.obs
    if config.features != "none" and (obs.name != "ram" or model.name != "dense"):
        raise wrong("features", config.features, "none unless obs=ram and model=dense")
    if model.bits_of is not None and model.bits == "none":
        raise wrong("model.bits_of", model.bits_of, "null with model.bits=none")
    entries: list[tuple[str, str | int]] = [
        *(("model.bits_of", byte) for byte in model.bits_of or []),
        *(("model.tiles", tile) for tile in model.tiles),
    ]
    for k, slot in enumerate(model.slots):
        field = f"model.slots[{k}]"
        _check_slot(field, slot, model.slots[0])
        entries += [(f"{field}.{name}", x) for name in _PARTS for x in getattr(slot, name)]
    for field, entry in entries:
        if obs.name != "ram" or model.name != "dense":
            raise wrong(field, entry, "nothing unless obs=ram and model=dense")
        if (
            isinstance(obs, RamObservation)
            and obs.bytes is not None
            and not set(parse_place(str(entry)).addresses) <= set(obs.bytes)
        ):
            raise wrong(field, entry, f"bytes of obs.bytes={obs.bytes}")


def _check_slot(field: str, slot: SlotConfig, first: SlotConfig) -> None:
    for byte in slot.bits:
        if not 0 <= byte < RAM_BYTES:
            raise wrong(f"{field}.bits", byte, f"indices from 0 to {RAM_BYTES - 1}")
    for name in ("numbers", "tiles"):
        for place in getattr(slot, name):
            if not is_place(place):
                raise wrong(f"{field}.{name}", place, "entries such as 70, 70-30 and 70+24")
    if not any(getattr(slot, name) for name in _PARTS):
        raise wrong(field, "empty", ", ".join(_PARTS))
    for name in _PARTS:
        own, firsts = getattr(slot, name), getattr(first, name)
        if len(own) != len(firsts):
            raise wrong(f"{field}.{name}", own, f"{len(firsts)} of them, as in the first slot")
