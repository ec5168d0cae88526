"""Time from the command to the first step and the first update, on a user's code path."""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from typing import Any

from benchmarks.sides.answer import say


def main(overrides: list[str], began: float) -> int:
    """Runs ``python -m runner`` with ``overrides`` until its first update.

    Args:
        overrides: As typed.
        began: ``time.time()`` at the start of the command.
    """
    from runner import __main__, training
    from runner.callbacks import build

    def with_watch(*args: Any) -> build.Callbacks:
        from runner.keras_rl2 import Callback

        class FirstTimes(Callback):  # type: ignore[misc]
            first_step = 0.0

            def on_step_end(self, step: int, logs: Any = None) -> None:
                now = time.time() - began
                self.first_step = self.first_step or now
                loss = logs["metrics"][0]
                if loss == loss:  # not NaN: an update was made
                    say({"s_to_first_step": self.first_step, "s_to_first_update": now})
                    raise SystemExit(0)

        callbacks = build.make_callbacks(*args)
        callbacks.by_name["first_times"] = FirstTimes()
        return callbacks

    setattr(training, "make_callbacks", with_watch)  # noqa: B010
    with tempfile.TemporaryDirectory() as folder:
        typed = [*overrides, f"hydra.run.dir={folder}/run"]
        sys.argv[1:] = typed  # Hydra reads them there
        return __main__.main(typed)


if __name__ == "__main__":
    sys.exit(main(json.loads(sys.argv[1])["overrides"], float(os.environ["BENCHMARK_BEGAN"])))
