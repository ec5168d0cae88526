"""Settings of the game and its rules."""

from __future__ import annotations

from dataclasses import dataclass, replace

from models.setting import ANY, REQUIRED, Rule, at_least, between, finite, one_of, optional, setting
from runner.settings.env_ids import all_ids
from runner.settings.games import all_games

FRAMES = 2**31 - 1  # ALE counts frames in 32 bits


def _counts(value: int | list[int]) -> bool:
    values = value if isinstance(value, list) else [value]
    return all(1 <= n <= 10_000 for n in values) and 0 < len(values) == len(set(values))


_NUM_ENVS: Rule = Rule(
    lambda v: v == "auto" or (isinstance(v, int) and 1 <= v <= 1024),
    "auto or an integer from 1 to 1024",
)


@dataclass
class EnvConfig:
    """The game and its rules."""

    game: str = setting(
        REQUIRED,
        Rule(lambda v: v in all_games(), "ALE's name of a game; better: env=<game>"),
        "ALE's name of the game; use `env=<game>` instead",
    )
    id: str | None = setting(
        None,
        Rule(lambda v: v is None or v in all_ids(), "null or a name of Gym 0.18 or ALE"),
        "old name of the game and rules, [below](#old-environment-names): `Breakout-v0`",
    )
    protocol: str = setting(
        "v5", one_of("v5", "nature", "machado"), "source of the next five settings"
    )
    repeat_action_probability: float = setting(
        REQUIRED, between(0, 1), "probability per frame that the last action is repeated"
    )
    frame_skip: int | list[int] = setting(
        REQUIRED,
        Rule(_counts, "an integer >= 1 frames, or a list of them to draw from, such as [2,3,4]"),
        "frames per step; a list: drawn from it at every step: `'env.frame_skip=[2,3,4]'`",
    )
    full_actions: bool = setting(
        REQUIRED, ANY, "all 18 actions of the console instead of the game's minimal set"
    )
    noop_max: int = setting(
        REQUIRED,
        at_least(0, "frames", 100_000),
        "a game starts with 1 to this many no-op frames; 0: none",
    )
    terminal_on_life_loss: bool = setting(
        REQUIRED, ANY, "a lost life is terminal for learning; the game continues"
    )
    life_loss_reward: float = setting(
        0.0, finite(), "added to the learner's reward when a life is lost, including the last"
    )
    fire_at_start: bool = setting(
        False, ANY, "press FIRE at the start of every life, if the game has FIRE"
    )
    start_moves_max: int = setting(
        0,
        at_least(0, "moves", 100_000),
        "a game starts with 0 to this many random moves, right or left, if it has them",
    )
    max_frames: int = setting(
        REQUIRED, at_least(1, "frames", FRAMES), "length at which a game is truncated: 30 minutes"
    )
    max_steps: int | None = setting(
        None,
        optional(at_least(1, "steps", FRAMES)),
        "length at which a game is also truncated, in training only; `null`: no limit",
    )
    truncation_reward: float = setting(
        0.0, finite(), "added to the learner's reward when a game is truncated"
    )
    truncation_is_terminal: bool = setting(
        False, ANY, "a truncated game is terminal for learning; `false`: learning bootstraps there"
    )
    num_envs: int | str = setting(
        "auto", _NUM_ENVS, "parallel environments; `auto`: 64, or 1 with `memory=sequential`"
    )
    rom_dir: str | None = setting(
        None, ANY, "folder of your ROMs, `<game>.bin` or `ROM/<game>/<game>.bin`; `null`: ALE's"
    )

    def whole_games(self) -> EnvConfig:
        """These rules without those that apply in training only."""
        return replace(self, terminal_on_life_loss=False, max_steps=None)
