"""``python -m runner.places``: lists the RAM bytes that behave like positions.

These are the positions that ``places`` with ``of: auto`` would find, with their published names.
"""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from models.positions import Position, find_positions
from models.seen import Seen
from runner.commands import guarded, parse_settings
from runner.environments.atari import AtariGame
from runner.errors import wrong
from runner.files import written_whole
from runner.ram_maps import ram_map, ram_of
from runner.settings import compose
from runner.settings.games import all_games, find_game
from runner.settings.schema import Config

USAGE = "python -m runner.places [env=pong,breakout|all] [steps=2000] [count=10] [out=FILE.md]"
_STARTS = 16  # games started, each with an equal share of the steps
_FRAMES = 3  # per window
_HEAD = """# Positions found in RAM

What the encoder `places` finds by itself (`of: auto`), made by `{command}`:
{steps:,} steps of random play from {starts} starts of each game, actions that last in every other.
In brackets the address; names are those of `runner/data/ram_map`. *In nibbles*: in the format of
the console's video chip. *Labelled*: how many of those found are published as positions (names in
`_x` or `_y`).

| game | found | labelled |
|---|---|--:|
"""


def seen_in(game: str, config: Config, steps: int) -> Seen:
    """Plays at random.

    Args:
        game: ALE's name.
        config: Rules and seed.
        steps: Total number of steps.

    Returns:
        Its transitions of one step.
    """
    env = dataclasses.replace(config.env, game=game)
    emulator = AtariGame(env, config.obs)
    generator = np.random.default_rng(config.seed)
    windows, actions, after = [], [], []
    for start in range(_STARTS):
        observation, _ = emulator.reset(seed=int(generator.integers(2**31)))
        window = np.zeros((_FRAMES, len(observation)), np.uint8)
        left = action = 0
        for _ in range(max(steps // _STARTS, 1)):
            window = np.concatenate([window[1:], observation[None]])
            windows.append(window)
            if left == 0:
                action = int(generator.integers(len(emulator.actions)))
                left = min(int(generator.zipf(2.0)), 100) if start % 2 else 1
            left -= 1
            observation, _, terminated, truncated, _ = emulator.step(action)
            actions.append(action)
            after.append(observation)
            if terminated or truncated:
                observation, _ = emulator.reset()
                window = np.zeros_like(window)
    return Seen(np.stack(windows), np.array(actions, np.int32), np.stack(after))


def row(game: str, found: Sequence[Position]) -> str:
    """The row of a game in the table."""
    names = {address: name for name, address in ram_map(game).items()}
    labelled = sum(names.get(byte, "").endswith(("_x", "_y")) for byte, _ in found)
    share = f"{labelled} of {len(found)}" if names else ""
    labels = ", ".join(position.label(ram_of(game)) for position in found)
    return f"| {game} | {labels or 'none'} | {share} |"


def table(games: Iterable[str], steps: int, count: int) -> list[str]:
    """The rows of ``games``, printed as they are computed."""
    config = compose.load(["obs=ram"])
    rows = []
    for game in games:
        rows.append(row(game, find_positions(seen_in(game, config, steps), count)))
        print(rows[-1], flush=True)
    return rows


@guarded
def main(arguments: list[str]) -> int:
    """Prints the table, and writes it if ``out`` is given."""
    kinds = {"env": str, "steps": int, "count": int, "out": Path}
    given = parse_settings(arguments, kinds, USAGE)
    steps, count = given.get("steps", 2000), given.get("count", 10)
    for name, value, least, most in (("steps", steps, _STARTS, 10**6), ("count", count, 1, 128)):
        if not least <= value <= most:
            raise wrong(name, value, f"an integer from {least} to {most}")
    chosen = given.get("env", "all")
    games = all_games() if chosen == "all" else [find_game(g) for g in chosen.split(",")]
    out = given.get("out")
    if out is not None and (out.is_dir() or not out.absolute().parent.is_dir()):
        raise wrong("out", out, "a file in an existing folder")
    rows = table(games, steps, count)
    if out is not None:
        command = " ".join(["python -m runner.places", *arguments])
        head = _HEAD.format(command=command, steps=steps, starts=_STARTS)
        with written_whole(out) as file:
            file.write((head + "\n".join(rows) + "\n").encode())
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
