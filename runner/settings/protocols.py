"""Named sets of rules (protocols), and their overrides.

Sources: Machado et al. 2018, "Revisiting the Arcade Learning Environment",
https://arxiv.org/abs/1709.06009 (``v5``, ALE's default in Gymnasium, and ``machado``); Mnih et al.
2015, https://doi.org/10.1038/nature14236 (``nature``).
"""

from __future__ import annotations

from typing import Final

from runner.settings.env import EnvConfig

_V5: Final[dict[str, float | int | bool]] = {
    "repeat_action_probability": 0.25,
    "frame_skip": 4,
    "full_actions": False,
    "noop_max": 0,
    "terminal_on_life_loss": False,
}
_NATURE: Final = {"repeat_action_probability": 0.0, "noop_max": 30, "terminal_on_life_loss": True}
PROTOCOLS: Final = {"v5": _V5, "nature": _V5 | _NATURE, "machado": _V5 | {"full_actions": True}}


def rules_of(env: EnvConfig) -> str:
    """Text that names the source of the rules."""
    return env.id or f"protocol {env.protocol}"
