"""``python -m runner.atlas env=<game>``: writes the page of a game's RAM bytes."""

from __future__ import annotations

import concurrent.futures
import multiprocessing
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any, Final

from runner.atlas.make import Result, make_page
from runner.atlas.page import KINDS as OF_BYTES
from runner.commands import guarded, parse_settings
from runner.cores import cores
from runner.errors import RunError, UserError, wrong
from runner.files import typed_path
from runner.settings.checks import check_writable
from runner.settings.games import all_games, find_game

USAGE: Final = (
    "python -m runner.atlas env=GAME[,GAME...]|all [out=atlas] [ram_map=atlas/ram_map] "
    "[table=FILE.md] [steps=6000] [seed=0]"
)
KINDS: Final = {"env": str, "out": str, "ram_map": str, "table": str, "steps": int, "seed": int}
STEPS: Final = (1_000, 1_000_000)
SECONDS_PER_STEP: Final = 0.1  # time limit per game, in addition to its start
SECONDS_TO_START: Final = 600


def atlas(given: dict[str, Any]) -> int:
    """Writes the requested pages. Returns the exit code."""
    if "env" not in given:
        raise UserError(f"env: expected {USAGE}")
    typed = given["env"]
    games = list(all_games()) if typed == "all" else [find_game(g) for g in typed.split(",")]
    steps, seed = given.get("steps", 6_000), given.get("seed", 0)
    if not STEPS[0] <= steps <= STEPS[1]:
        raise wrong("steps", steps, f"an integer between {STEPS[0]} and {STEPS[1]}")
    if not 0 <= seed < 2**31:
        raise wrong("seed", seed, "an integer >= 0 and < 2147483648")
    out = typed_path(given.get("out", "atlas"))
    maps = typed_path(given.get("ram_map", out / "ram_map"))
    table = typed_path(given["table"]) if "table" in given else None
    if table is not None and table.is_dir():
        raise wrong("table", table, "a file")
    folders = {"out": out, "ram_map": maps, **({"table": table.parent} if table else {})}
    for field, folder in folders.items():
        check_writable(folder, field)
    for folder in folders.values():
        folder.mkdir(parents=True, exist_ok=True)
    results, failed = _make_pages(games, out, maps, steps, seed)
    if table is not None:
        options = " ".join(f"{name}={value}" for name, value in given.items() if name != "out")
        table.write_text(_table(results, steps, options), encoding="utf-8")
        print(f"table: {table}")
    for line in failed:
        print(f"error: {line}", file=sys.stderr)
    return RunError.exit_code if failed else 0


def _make_pages(
    games: list[str], out: Path, maps: Path, steps: int, seed: int
) -> tuple[list[Result], list[str]]:
    """Makes each page in a separate process: modified RAM may hang or crash ALE."""
    many = len(games) > 1
    results: list[Result] = []
    failed: list[str] = []
    context = multiprocessing.get_context("spawn")
    waiting, running = list(games), dict[Any, tuple[str, Any, float]]()
    try:
        while waiting or running:
            while waiting and len(running) < cores():
                game = waiting.pop(0)
                pool = concurrent.futures.ProcessPoolExecutor(1, mp_context=context)
                future = pool.submit(make_page, game, out, maps, steps, seed, many)
                deadline = time.monotonic() + SECONDS_TO_START + SECONDS_PER_STEP * steps
                running[future] = game, pool, deadline
            concurrent.futures.wait(running, 1, concurrent.futures.FIRST_COMPLETED)
            for future, (game, pool, deadline) in list(running.items()):
                if not future.done() and time.monotonic() < deadline:
                    continue
                try:
                    results.append(future.result(timeout=0))
                    done = len(results) + len(failed)
                    progress = f"{done} of {len(games)}: " if many else ""
                    print(f"{progress}page: {out / game}.html", flush=True)
                except concurrent.futures.TimeoutError:
                    failed.append(f"env={game}: the emulator hung with a changed byte")
                except concurrent.futures.process.BrokenProcessPool:
                    failed.append(f"env={game}: the emulator crashed with a changed byte")
                except RunError as error:
                    failed.append(str(error))
                _end(pool)
                del running[future]
    finally:
        for _, pool, _ in running.values():
            _end(pool)
    return sorted(results), failed


def _end(pool: Any) -> None:
    for process in list((pool._processes or {}).values()):
        process.kill()
    # Waiting, or Python's exit may wake a thread of the pool through a pipe it has just closed.
    pool.shutdown(wait=True, cancel_futures=True)


def _table(results: list[Result], steps: int, typed: str) -> str:
    kinds = [kind for kind in OF_BYTES if kind not in ("copy", "constant")]
    verdicts = ["found", "missed", "wrong"]
    rows = [["game", *kinds, "published", *verdicts], ["---", *["--:"] * (len(kinds) + 4)]]
    totals = Counter[str]()
    for result in results:
        words = Counter(result.judged.values())
        totals += words
        judged = [len(result.judged), *(words[word] for word in verdicts)]
        counts = [*(result.kinds.get(kind, 0) for kind in kinds), *(judged if words else [""] * 4)]
        rows.append([result.game, *map(str, counts)])
    lines = "\n".join(f"| {' | '.join(row)} |" for row in rows)
    return (
        "# Meanings of RAM bytes\n\n"
        f"Generated by `python -m runner.atlas {typed}`: bytes by kind, found in {steps:,} steps "
        "of random\nplay with interventions on the emulator; and published labels of positions, "
        "scores, lives and bitmaps:\nfound (confirmed), missed (neither confirmed nor "
        "contradicted), or wrong (the experiment shows another\nmeaning, or none; such a label "
        "may still be correct, because random play does not reach all states).\n\n"
        f"Total: {totals['found']} found, {totals['missed']} missed, "
        f"{totals['wrong']} wrong.\n\n{lines}\n"
    )


@guarded
def main(arguments: list[str]) -> int:
    """Runs the command. Returns the exit code."""
    return atlas(parse_settings(arguments, KINDS, USAGE))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
