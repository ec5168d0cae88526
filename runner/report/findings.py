"""Conclusions and caveats, as sentences."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final

from runner.report.figures import ALL_GAMES, Figures, games_in_common, versus
from runner.report.runs import Run
from runner.report.sides import PROTOCOL, Side, games_of, protocol
from runner.scores import human_normalised

ENOUGH_RUNS: Final = 5  # with fewer, a bootstrap over runs is too optimistic


def answers(sides: Sequence[Side], figures: Figures) -> list[str]:
    """One sentence per pair of sides and game, or the reason why there is none."""
    if not sides:
        return ["No run's settings could be read: see the list of runs."]
    if len(sides) < 2:
        return ["All runs have the same settings except seed and game: nothing to compare."]
    found = [
        sentence
        for game in (ALL_GAMES, *games_of(sides))
        for side in sides[1:]
        if (sentence := _answer(game, side, sides, figures))
    ]
    return found or ["No two sides have finished runs of the same game yet."]


def _answer(game: str, side: Side, sides: Sequence[Side], figures: Figures) -> str | None:
    base = sides[0]
    measure = "human_difference" if game == ALL_GAMES else "difference"
    found = figures.get((game, versus(side.name, base.name), measure))
    ours = figures.get((game, side.name, measure.replace("difference", "iqm")))
    theirs = figures.get((game, base.name, measure.replace("difference", "iqm")))
    if found is None or ours is None or theirs is None:
        return None
    what = "human-normalised, " if game == ALL_GAMES else ""
    text = (
        f"{game}: {what}{side.name} scores {ours.written()}, {base.name} {theirs.written()} (IQM); "
        f"the difference is {found.written()}"
    )
    if not found.has_interval:
        return f"{text}. A single run per side says nothing about chance."
    text += f", 95\u00a0% interval {found.interval}"
    if found.low <= 0 <= found.high:
        return f"{text}: it may be chance."
    winner = side if found.value > 0 else base
    games = games_in_common(sides) if game == ALL_GAMES else [game]
    fewest = min(len(each.finished(game)) for each in (side, base) for game in games)
    if fewest < ENOUGH_RUNS:
        return f"{text}: {winner.name} is ahead in these runs, but they are few."
    return f"{text}: {winner.name} is ahead, by more than seed variation explains."


def warnings(sides: Sequence[Side], runs: Sequence[Run]) -> list[str]:
    """Caveats of the comparison."""
    return [
        *_different_protocols(sides),
        *_different_lengths(sides),
        *_few_runs(sides),
        *_repeated_seeds(sides),
        *_not_finished(runs),
        *_without_human(sides),
    ]


def _different_protocols(sides: Sequence[Side]) -> Iterator[str]:
    for game in games_of(sides):
        rules = {side.name: [protocol(run) for run in side.of(game)] for side in sides}
        for key in PROTOCOL:
            values = {name: {each[key] for each in of_side} for name, of_side in rules.items()}
            if len(set().union(*values.values())) > 1:
                listed = "; ".join(
                    f"{name}: {', '.join(sorted(each))}" for name, each in values.items() if each
                )
                yield f"Protocols differ: {game}, {key}: {listed}. Such scores are not comparable."


def _different_lengths(sides: Sequence[Side]) -> Iterator[str]:
    finished = [run for side in sides for run in side.runs if run.finished]
    minutes = {run.settings.get("train.minutes") for run in finished}
    if len(minutes) == 1 and None not in minutes:
        return  # equal training time: different steps are a result
    steps = {side.name: sorted({run.step for run in side.runs if run.finished}) for side in sides}
    if len(set().union(*steps.values())) > 1:
        listed = "; ".join(
            f"{name}: {' and '.join(f'{length:,}' for length in each)}"
            for name, each in steps.items()
            if each
        )
        yield f"Finished runs have different lengths in steps. {listed}."


def _few_runs(sides: Sequence[Side]) -> Iterator[str]:
    counts = [len(side.finished(game)) for side in sides for game in games_of(sides)]
    fewest = min((count for count in counts if count), default=ENOUGH_RUNS)
    if fewest >= ENOUGH_RUNS:
        return
    coverage = "A single run has no interval."
    if fewest > 1:
        # Each run is above the median with probability 1/2, independently of the others.
        coverage = (
            f"The true median lies between the worst and the best of {fewest} runs in "
            f"{(1 - 2 * 0.5**fewest) * 100:.0f}\u00a0% of cases."
        )
    yield (
        f"Only {fewest} finished run(s) of a side and game: an interval over so few seeds is "
        f"too narrow. {coverage}"
    )


def _repeated_seeds(sides: Sequence[Side]) -> Iterator[str]:
    for side in sides:
        seen = Counter((run.game, run.seed) for run in side.runs)
        for (game, seed), times in seen.items():
            if times > 1:
                yield f"{side.name}, {game}: seed {seed} was run {times} times; every run counts."


def _without_human(sides: Sequence[Side]) -> Iterator[str]:
    games = [game for game in games_of(sides) if human_normalised(game, 0.0) is None]
    if games:
        yield f"No published human score, so in points only: {', '.join(games)}."


def _not_finished(runs: Sequence[Run]) -> Iterator[str]:
    left = sum(not run.finished for run in runs)
    if left:
        yield f"{left} of {len(runs)} run(s) did not finish: shown in curves only. See the list."
