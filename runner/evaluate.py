"""``python -m runner.evaluate run=DIR_OR_WEIGHTS``: plays whole games with a trained network."""

from __future__ import annotations

import sys
from pathlib import Path

from runner.commands import guarded, parse_settings
from runner.errors import UserError, wrong
from runner.run_directory import write_json
from runner.trained import load_trained

USAGE = "python -m runner.evaluate run=DIR_OR_WEIGHTS [episodes=30] [epsilon=0.01] [seed=0]"


def evaluate_run(run: Path, episodes: int | None, epsilon: float | None, seed: int) -> int:
    """Evaluates a run's network; all settings but the arguments are the run's own.

    Args:
        run: A run directory (its final or newest weights), or one of its weights files.
        episodes: Games; None: as the run says.
        epsilon: Probability of a random action; None: as the run says.
        seed: Of the games and the random actions.

    Raises:
        UserError: Something does not exist or does not fit.
    """
    from runner.config.protocols import rules_of

    directory, weights, config, q_values = load_trained(run, episodes, epsilon, seed)
    from runner.evaluation import evaluate, one_line

    result = evaluate(q_values, config, seed=seed)
    assert result is not None
    print(f"{config.env.game}, obs={config.obs.name}, {rules_of(config.env)}")
    print(f"weights: {weights}")
    print(f"evaluation: {one_line(result)}")
    name = weights.name.removesuffix(".weights.h5")
    path = directory.folder / f"evaluation_{name}.json"
    write_json(path, {"weights": weights.name, "seed": seed, **result})
    print(f"result: {path}")
    return 0


def main(arguments: list[str]) -> int:
    """Reads what was typed. Returns the exit code."""

    def work() -> int:
        given = parse_settings(
            arguments, {"run": str, "episodes": int, "epsilon": float, "seed": int}, USAGE
        )
        if "run" not in given:
            raise UserError(f"run: missing; expected {USAGE}")
        for name, least in (("episodes", 1), ("seed", 0)):
            if name in given and given[name] < least:
                raise wrong(name, given[name], f"an integer >= {least}")
        return evaluate_run(
            Path(given["run"]).expanduser(),
            given.get("episodes"),
            given.get("epsilon"),
            given.get("seed", 0),
        )

    return guarded(work)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
