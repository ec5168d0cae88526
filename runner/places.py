"""``python -m runner.places``: lists the RAM bytes that hold positions or codes.

They are the bytes that ``places`` and ``bits`` with ``of: auto`` find, with their published names.
"""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Iterable
from typing import Final

from models.codes import COUNT, find_code_bits
from models.inputs.places import Places
from models.positions import find_positions
from models.seen import Seen
from runner.commands import guarded, parse_settings
from runner.environments.random_play import STARTS, random_play
from runner.errors import wrong
from runner.files import typed_path, written_whole
from runner.ram_maps import ram_map, ram_of
from runner.settings import compose
from runner.settings.games import all_games, find_game
from runner.settings.schema import TrainConfig

MOST_STEPS: Final = 10**6
USAGE = "python -m runner.places [env=pong,breakout|all] [steps=10000] [out=FILE.md]"
_HEAD = """# Positions and codes found in RAM

What the encoders `places` and `bits` find by themselves (`of: auto`), made by `{command}`:
{steps:,} steps of random play from {starts} starts of each game, with actions that last in every
other. In brackets the address; names are those of `runner/data/ram_map`. *In nibbles*: in the
format of the console's video chip. *Labelled*: how many of the positions are published as positions
(names in `_x` or `_y`). *Codes*: bytes whose values name things.

| game | positions | labelled | codes |
|---|---|--:|---|
"""


def row(game: str, seen: Seen) -> str:
    """The row of a game in the table."""
    names = {address: name for name, address in ram_map(game).items()}
    found = find_positions(seen, Places().count)
    labelled = sum(names.get(byte, "").endswith(("_x", "_y")) for byte, _ in found)
    share = f"{labelled} of {len(found)}" if names else ""
    ram = ram_of(game)
    positions = ", ".join(position.label(ram) for position in found) or "none"
    codes = sorted({bit.byte for bit in find_code_bits(seen, COUNT)})
    return f"| {game} | {positions} | {share} | {', '.join(map(ram.label, codes)) or 'none'} |"


def table(games: Iterable[str], steps: int) -> list[str]:
    """The rows of ``games``, printed as they are computed."""
    config = compose.load(["obs=ram"])
    rows = []
    for game in games:
        env = dataclasses.replace(config.env, game=game)
        rows.append(row(game, random_play(env, config.obs, config.seed, steps)))
        print(rows[-1], flush=True)
    return rows


@guarded
def main(arguments: list[str]) -> int:
    """Prints the table, and writes it if ``out`` is given."""
    given = parse_settings(arguments, {"env": str, "steps": int, "out": str}, USAGE)
    steps = given.get("steps", TrainConfig().warmup)
    if not STARTS <= steps <= MOST_STEPS:
        raise wrong("steps", steps, f"an integer from {STARTS} to {MOST_STEPS}")
    chosen = given.get("env", "all")
    games = all_games() if chosen == "all" else [find_game(g) for g in chosen.split(",")]
    out = typed_path(given["out"]) if "out" in given else None
    if out is not None and (out.is_dir() or not out.absolute().parent.is_dir()):
        raise wrong("out", out, "a file in an existing folder")
    rows = table(games, steps)
    if out is not None:
        command = " ".join(["python -m runner.places", *arguments])
        head = _HEAD.format(command=command, steps=steps, starts=STARTS)
        with written_whole(out) as file:
            file.write((head + "\n".join(rows) + "\n").encode())
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
