"""``python -m runner``: trains one agent, or with ``-m`` a sweep."""

from __future__ import annotations

import sys

from runner import __version__


def main(arguments: list[str]) -> int:
    """Checks the command line, then runs it.

    Args:
        arguments: As typed: ``env=pong obs=pixel``.

    Returns:
        The exit code: 0; 1: the run failed; 2: invalid arguments; 129, 130, 143: interrupted.
    """
    # Imported here because emulator processes also import this module.
    from runner.commands import guarded

    return guarded(_run)(arguments)


def _run(arguments: list[str]) -> int:
    if arguments == ["--version"]:
        print(f"atari-runner {__version__}")
        return 0
    from runner import api
    from runner.commands import HelpAsked
    from runner.settings import command_line, compose, flags, sweeps

    given = flags.parse_flags(arguments)
    if given.help:
        raise HelpAsked(flags.help_text())
    settings = command_line.with_paths_quoted(given.settings)
    if any(text.startswith("resume=") for text in settings):
        flags_too = [text for text in arguments if text.startswith("-")]  # rejected there
        return api.resume(*settings, *flags_too).exit_code
    if given.cfg is None and sweeps.is_sweep(settings, multirun=given.multirun):
        from runner.sweep.sweep import sweep

        return sweep(settings)
    run = compose.load_run(settings)
    if given.cfg is not None:
        print(compose.shown(run, given.cfg, given.package), end="")
        return 0
    return api.train_composed(run).exit_code


def command() -> int:
    """The console script ``atari-runner``, equivalent to ``python -m runner``."""
    sys.path.insert(0, "")  # for custom networks in the current folder
    return main(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
