"""``python -m runner.watch run=DIR_OR_WEIGHTS``: records games of a trained network."""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path
from typing import Any, Final

from runner.commands import guarded, parse_settings
from runner.errors import RunError, wrong
from runner.run_directory import RunDirectory
from runner.trained import KINDS, Play, chosen, load_trained
from runner.video.replay import Recording
from runner.video.studio import film
from runner.video.window import show, why_no_window

USAGE = (
    "python -m runner.watch run=DIR_OR_WEIGHTS|pretrained=NAME [weights=best] [episodes=1] "
    "[epsilon=0.01] [repeat_action_probability=0.25] [seed=0] [out=FILE.mp4|FILE.gif] "
    "[overlay=true|false] [window=auto|true|false] [model.builder=MODULE:FUNCTION]"
)
SUFFIXES: Final = (".mp4", ".gif")


def watch(run: Path, play: Play, *, window: bool, overlay: bool = True) -> int:
    """Plays full games; the best one is written as MP4 and GIF, and shown.

    Args:
        run: A run directory (its final or newest weights), or one of its weights files.
        play: Settings of play. ``out`` is the only file to write; None: both formats, below
            ``videos/`` of the run.
        window: Whether to show the game in a window.
        overlay: Whether to draw Q-values and bytes beside the screen.

    Raises:
        UserError: A file is missing or incompatible.
        RunError: The files cannot be written.
    """
    beside, weights, config, _, q_values = load_trained(run, play)
    from runner.evaluation import evaluate

    best: list[Recording] = []
    result = evaluate(q_values, config, seed=play.seed, best_game=best.append)
    assert result is not None
    (recording,) = best
    print(f"{config.env.game}, obs={config.obs.name}, weights: {weights}")
    print(f"played: {result}")
    out, label = play.out, weights.name.removesuffix(".weights.h5")
    name = f"watch_{label}_score_{recording.score:.0f}" if out is None else out.stem
    mp4, gif = (out is None or out.suffix == suffix for suffix in SUFFIXES)
    folder = RunDirectory(beside).videos if out is None else out.parent
    recording = dataclasses.replace(recording, label=f"{label} weights")
    if overlay:
        from runner.overlays import with_overlay

        recording = with_overlay(recording, q_values, config)
    filmed = film(recording, dataclasses.replace(config.video, mp4=mp4, gif=gif), folder, name)
    if filmed.video is None:
        raise RunError(f"the video could not be written: {filmed.problem}")
    print(f"score: {recording.score:.15g}")
    for path in (filmed.video.mp4, filmed.video.gif):
        if path is not None:
            print(f"video: {path}")
    if window:
        print("shown in a window; Ctrl-C ends it", flush=True)
        show(recording)
    return 0


def _weights(run: Path, name: str) -> Path:
    """The run's weights file ``name``: final, best, step_5000."""
    if run.is_file():
        raise wrong("weights", name, "a run directory with it, not a file as run=")
    path = run / "weights" / f"{name}.weights.h5"
    if path.is_file():
        return path
    if not path.parent.is_dir():
        return run  # its errors are reported later
    found = sorted(p.name.removesuffix(".weights.h5") for p in path.parent.glob("*.weights.h5"))
    raise wrong("weights", name, f"one of {', '.join(found) or 'none: the run saved none'}")


def _window(choice: str) -> bool:
    """Whether to open a window; with ``auto``, if there is a display."""
    if choice not in ("auto", "true", "false"):
        raise wrong("window", choice, "auto, true or false")
    reason = why_no_window()
    if choice == "true" and reason:
        raise wrong("window", choice, f"a display: {reason}")
    return choice != "false" and not reason


def _switch(name: str, choice: str) -> bool:
    if choice not in ("true", "false"):
        raise wrong(name, choice, "true or false")
    return choice == "true"


@guarded
def main(arguments: list[str]) -> int:
    """Runs the command. Returns the exit code."""
    kinds = {**KINDS, "weights": str, "window": str, "overlay": str}
    given: dict[str, Any] = {"episodes": 1, **parse_settings(arguments, kinds, USAGE)}
    run = chosen(given, USAGE)
    return watch(
        _weights(run, given["weights"]) if "weights" in given else run,
        Play.of(given, SUFFIXES),
        window=_window(given.get("window", "auto")),
        overlay=_switch("overlay", given.get("overlay", "true")),
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
