"""``python -m runner.lab run=DIR|pretrained=NAME|env=GAME``: an agent plays live in the browser."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Mapping
from typing import Any, Final

from runner.commands import guarded, parse_settings
from runner.errors import UserError, wrong
from runner.trained import KINDS, Play, chosen, load_trained

USAGE: Final = (
    "python -m runner.lab run=DIR_OR_WEIGHTS|pretrained=NAME|env=GAME [port=8765] [seed=0] "
    "[repeat_action_probability=0.25]"
)
PORT: Final = 8765


@guarded
def main(arguments: list[str]) -> int:
    """Runs the command. Returns the exit code."""
    kinds = {**KINDS, "env": str, "port": int}
    del kinds["episodes"], kinds["epsilon"], kinds["out"]
    given = parse_settings(arguments, kinds, USAGE)
    port = given.pop("port", PORT)
    if not 0 <= port < 65536:
        raise wrong("port", port, "an integer from 0 to 65535; 0: any free port")
    if importlib.util.find_spec("aiohttp") is None:
        raise UserError("runner.lab: needs aiohttp (pip install -r requirements-lab.txt)")
    return _serve(given, port)


def _serve(given: dict[str, Any], port: int) -> int:
    from runner.lab.server import Lab, serve
    from runner.lab.session import Session
    from runner.report.pages import rendered

    names: Mapping[str, int]
    if "env" in given:
        from runner.ram_maps import ram_map
        from runner.settings import compose

        settings = {
            "env": "env", "seed": "seed",
            "repeat_action_probability": "env.repeat_action_probability",
        }  # fmt: skip
        for other in [name for name in given if name not in settings]:
            raise UserError(f"{other}={given[other]}: expected without env={given['env']}")
        typed = [f"{name}={given[key]}" for key, name in settings.items() if key in given]
        config = compose.load([*typed, "obs=ram"])
        q_values, names, about = None, ram_map(config.env.game), "you play"
    else:
        trained = load_trained(chosen(given, USAGE), Play.of(given, []))
        config, q_values, names = trained.config, trained.q_values, trained.ram.names
        about = f"obs={config.obs.name}, weights {trained.weights.name}"
    skip = config.env.frame_skip
    lab = Lab(
        lambda: Session(config, q_values, config.seed),
        rendered(
            "lab/lab.html",
            title=f"{config.env.game}, live",
            about=about,
            names={address: name for name, address in names.items()},
        ),
        sum(skip) / len(skip) if isinstance(skip, list) else skip,
    )
    serve(lab, port, lambda url: print(f"page: {url}\nCtrl-C ends it", flush=True))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
