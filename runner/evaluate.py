"""``python -m runner.evaluate run=DIR_OR_WEIGHTS``: evaluates a trained network on full games."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from runner.commands import guarded, parse_settings
from runner.errors import wrong
from runner.run_directory import write_json
from runner.trained import KINDS, PRETRAINED, Play, chosen, load_trained, pretrained_names

if TYPE_CHECKING:
    from runner.evaluation import Evaluation

USAGE = (
    "python -m runner.evaluate run=DIR_OR_WEIGHTS|pretrained=NAME|pretrained=all [episodes=30] "
    "[epsilon=0.01] [repeat_action_probability=0.25] [seed=0] [out=FILE.json] "
    "[model.builder=MODULE:FUNCTION]"
)


def evaluate_run(run: Path, play: Play) -> Evaluation:
    """Evaluates a run's network, and writes the result.

    Args:
        run: A run directory (its final or newest weights), or one of its weights files.
        play: Settings of play; those not given are the run's.

    Raises:
        UserError: A file is missing or incompatible.
    """
    from runner.settings.protocols import rules_of

    out, weights, config, _, q_values = load_trained(run, play)
    from runner.evaluation import evaluate

    result = evaluate(q_values, config, seed=play.seed)
    assert result is not None
    rules = rules_of(config.env)
    print(f"{config.env.game}, obs={config.obs.name}, {rules}")
    print(f"weights: {weights}")
    print(f"evaluation: {result}")
    name = weights.name.removesuffix(".weights.h5")
    if play.repeat_action_probability is not None:
        name += f"_sticky_{play.repeat_action_probability:g}"
    path = play.out or out / f"evaluation_{name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    write_json(path, {"weights": weights.name, "seed": play.seed, "rules": rules, **vars(result)})
    print(f"result: {path}", flush=True)
    return result


def evaluate_all(play: Play) -> None:
    """Evaluates every pretrained agent, and prints a table of scores.

    Raises:
        UserError: ``out`` is given, which is for a single result.
    """
    if play.out is not None:
        raise wrong("out", play.out, "no file with pretrained=all")
    results = {name: evaluate_run(PRETRAINED / name, play) for name in pretrained_names()}
    print(f"\n{'agent':22} {'games':>5}  score (95 %)")
    for name, result in results.items():
        low, high = result.interval or (result.mean, result.mean)
        print(f"{name:22} {result.episodes:5}  {result.mean:,.1f} ({low:,.1f}-{high:,.1f})")


@guarded
def main(arguments: list[str]) -> int:
    """Runs the command. Returns the exit code."""
    given = parse_settings(arguments, KINDS, USAGE)
    play = Play.of(given, [".json"])
    if given.get("pretrained") == "all" and "run" not in given:
        evaluate_all(play)
    else:
        evaluate_run(chosen(given, USAGE), play)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
