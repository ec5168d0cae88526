"""``python -m runner.cards``: adds a run to the pretrained agents and updates their table."""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

import h5py
import numpy as np
from numpy.typing import NDArray

from runner.commands import guarded, parse_settings
from runner.errors import UserError, wrong
from runner.evaluate import evaluate_run
from runner.files import written_whole
from runner.run_directory import RunDirectory, write_json
from runner.scores import published
from runner.settings.checks import check_writable
from runner.settings.resume import named_run
from runner.trained import PRETRAINED, Play, pretrained_names

USAGE: Final = "python -m runner.cards [run=DIR [name=GAME_OBS]]"
GAMES: Final = 100
STICKY: Final = 0.25  # probability of ale-py's v5 environments
_HEAD: Final = (
    "| agent | minutes | steps | a human | score | with sticky actions (0.25) |",
    "|---|--:|--:|--:|--:|--:|",
)


def add(run: RunDirectory, target: Path) -> None:
    """Copies a run's agent to ``target``, evaluated with and without sticky actions.

    An interrupted command leaves ``target`` unchanged.

    Raises:
        UserError: The run is not complete, or its files are incompatible.
    """
    if not run.result.is_file():
        raise UserError(f"run={run.folder}: expected a complete run (no result.json)")
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary, target.name)
        (folder / "weights").mkdir(parents=True)
        shutil.copyfile(run.config, folder / "config.yaml")
        _pack(run.final_weights, folder / "weights" / run.final_weights.name)
        result = json.loads(run.result.read_text())
        names = ("game", "obs", "seed", "steps", "train_seconds", "places", "versions")
        write_json(folder / "training.json", {name: result[name] for name in names})
        for repeat, end in ((None, ""), (STICKY, f"_sticky_{STICKY:g}")):
            out = folder / f"evaluation_final{end}.json"
            evaluate_run(folder, Play(GAMES, 0.01, repeat, seed=1000, out=out))
        shutil.copytree(folder, target, dirs_exist_ok=True)


def _rounded(weights: NDArray[Any]) -> NDArray[Any]:
    """``weights`` rounded to 12 of the 23 fraction bits of float32: zeros compress well."""
    if weights.dtype != np.float32:
        return weights
    return ((weights.view(np.uint32) + 0x400) & np.uint32(0xFFFFF800)).view(np.float32)


def _pack(source: Path, target: Path) -> None:
    """Copies a weights file, rounded and compressed."""
    with h5py.File(source) as old, written_whole(target) as file, h5py.File(file, "w") as new:

        def copy(name: str, item: Any) -> None:
            if not isinstance(item, h5py.Dataset):
                made = new.require_group(name)
            elif item.shape:
                rounded = _rounded(np.asarray(item))
                made = new.create_dataset(name, data=rounded, compression=9, shuffle=True)
            else:
                made = new.create_dataset(name, data=item[()])
            made.attrs.update(item.attrs)

        new.attrs.update(old.attrs)
        old.visititems(copy)


def card(folder: Path) -> str:
    """The table row of an agent."""
    evaluations = ("evaluation_final.json", f"evaluation_final_sticky_{STICKY:g}.json")
    training, *played = (
        json.loads((folder / name).read_text()) for name in ("training.json", *evaluations)
    )
    human = published()["human"].scores.get(training["game"])
    cells = [
        f"`{folder.name}`",
        f"{training['train_seconds'] / 60:.0f}",
        f"{training['steps']:,}",
        "" if human is None else f"{human:,.1f}".removesuffix(".0"),
        *(f"{p['mean']:.1f} ({p['interval'][0]:.1f} to {p['interval'][1]:.1f})" for p in played),
    ]
    return f"| {' | '.join(cells)} |"


def with_table(text: str, rows: Iterable[str]) -> str:
    """``text`` with its table replaced."""
    lines = text.splitlines()
    table = [i for i, line in enumerate(lines) if line.startswith("|")]
    first, last = (table[0], table[-1] + 1) if table else (len(lines), len(lines))
    return "\n".join([*lines[:first], *_HEAD, *rows, *lines[last:]]) + "\n"


@guarded
def main(arguments: list[str]) -> int:
    """Runs the command. Returns the exit code."""
    given = parse_settings(arguments, {"run": str, "name": str}, USAGE)
    if "name" in given and "run" not in given:
        raise wrong("name", given["name"], "run= with it")
    check_writable(PRETRAINED, "pretrained")
    if "run" in given:
        run = RunDirectory(named_run("run", given["run"]))
        config = run.read_config()
        name = given.get("name", f"{config.env.game}_{config.obs.name}")
        if not name.isidentifier():
            raise wrong("name", name, "letters, digits and _, such as pong_ram")
        add(run, PRETRAINED / name)
    cards = PRETRAINED / "README.md"
    rows = [card(PRETRAINED / name) for name in pretrained_names()]
    with written_whole(cards) as file:
        file.write(with_table(cards.read_text(), rows).encode())
    print("\n".join(rows))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
