"""``python -m runner.explain run=DIR|pretrained=NAME``: which inputs a trained agent uses."""

from __future__ import annotations

import sys
from typing import Any, Final

from runner.commands import guarded, parse_settings
from runner.errors import UserError, wrong
from runner.live_line import CLEAR
from runner.trained import KINDS, Play, chosen, load_trained

USAGE: Final = (
    "python -m runner.explain run=DIR_OR_WEIGHTS|pretrained=NAME [minutes=5] [episodes=16] "
    "[states=1024] [epsilon=0.01] [seed=0] [out=FILE.html]"
)
# Settings of this command: default and minimum.
OWN: Final[dict[str, tuple[Any, float]]] = {"minutes": (5.0, 0), "states": (1024, 64)}


@guarded
def main(arguments: list[str]) -> int:
    """Runs the command. Returns the exit code."""
    kinds = {**KINDS, "minutes": float, "states": int}
    given: dict[str, Any] = {"episodes": 16, **parse_settings(arguments, kinds, USAGE)}
    own = {name: given.pop(name, default) for name, (default, _) in OWN.items()}
    for name, (_, least) in OWN.items():
        if not least <= own[name] <= 1e6:
            raise wrong(name, own[name], f"a number from {least} to 1000000")
    run, how = chosen(given, USAGE), Play.of(given, [".html"])
    trained = load_trained(run, how)
    from runner.explain.write import explain

    out = how.out or trained.out / "explain.html"
    if trained.config.obs.name == "both":
        raise UserError("obs=both: expected an agent with obs=ram or obs=pixel")
    page = explain(
        trained, out, minutes=own["minutes"], states=own["states"],
        episodes=given["episodes"], seed=how.seed, tell=tell,
    )  # fmt: skip
    print(f"page: {page}")
    return 0


def tell(line: str, *, done: bool = True) -> None:
    """Shows progress: on a terminal in one line, otherwise only completed parts."""
    if sys.stdout.isatty():
        print(f"{CLEAR}{line}", end="\n" if done else "", flush=True)
    elif done:
        print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
