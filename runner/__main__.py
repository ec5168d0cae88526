"""``python -m runner``: trains one agent, or with ``-m`` a sweep of them."""

from __future__ import annotations

import contextlib
import sys

from runner import __version__


def main(arguments: list[str]) -> int:
    """Checks what was typed, then runs it.

    Args:
        arguments: As typed: ``env=pong obs=pixel``.

    Returns:
        The exit code: 0; 1 the run broke; 2 something typed is wrong; 129, 130, 143 interrupted.
    """
    if arguments == ["--version"]:
        print(f"atari-runner {__version__}")
        return 0

    # Imported here, because the emulators' processes import this module too.
    from runner.commands import guarded

    return guarded(lambda: _run(arguments))


def _run(arguments: list[str]) -> int:
    from runner.commands import HelpAsked
    from runner.environments.build import make_games
    from runner.settings import checks, command_line, compose, flags, sweeps

    given = flags.parse_flags(arguments)
    if given.help:
        raise HelpAsked(flags.HELP.rstrip())
    settings = command_line.with_paths_quoted(given.settings)
    if any(text.startswith("resume=") for text in settings):
        return _resume([*settings, *(text for text in arguments if text.startswith("-"))])
    if given.cfg is None and sweeps.is_sweep(settings, multirun=given.multirun):
        from runner.sweep.sweep import sweep

        return sweep(settings)
    run = compose.load_run(settings)
    if given.cfg is not None:
        print(compose.shown(run, given.cfg, given.package), end="")
        return 0
    folder = run.folder()
    checks.check_packages(run.config)
    checks.check_writable(folder, "hydra.run.dir")
    checks.check_disk(run.config, folder)
    with contextlib.closing(make_games(run.config)) as games:  # they load while TensorFlow does
        from runner.training import train

        return train(run.config, games, folder, may_rename=not run.folder_is_typed)


def _resume(arguments: list[str]) -> int:
    from runner.environments.build import make_games
    from runner.errors import UserError
    from runner.run_directory import RunDirectory
    from runner.settings import checks, saved
    from runner.settings.resume import changed, run_to_resume
    from runner.trained import is_pretrained

    folder, overrides = run_to_resume(arguments)
    if is_pretrained(folder):
        raise UserError(
            f"resume={folder}: expected a run of your own (what is in pretrained/ is only "
            "read; to start from its weights: init_weights=FILE)"
        )
    run = RunDirectory(folder)
    config = run.read_config()
    named = [str(o.value()) for o in overrides if o.get_key_element() == "model.builder"]
    saved.allow_builder(config, folder, named[-1] if named else None)
    config = changed(config, overrides)
    if config.memory.name == "sequential":
        raise UserError(
            f"resume={folder}: expected a run with memory=replay (keras-rl2's own agent and memory "
            "keep no checkpoints; start from its weights with init_weights= start_step=)"
        )
    run.check_resumable()
    checks.check_packages(config)
    with run.locked(), contextlib.closing(make_games(config)) as games:
        from runner.training import resume

        return resume(config, games, run)


def command() -> int:
    """The console script ``atari-runner``: what ``python -m runner`` does."""
    sys.path.insert(0, "")  # a network of one's own lies in the current folder
    return main(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
