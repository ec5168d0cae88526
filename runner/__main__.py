"""``python -m runner``: trains one agent, or with ``-m`` a sweep of them."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from runner import __version__


def main(arguments: list[str]) -> int:
    """Checks what was typed, then lets Hydra run it.

    Args:
        arguments: As typed: ``env=pong obs=pixel``.

    Returns:
        The exit code: 0; 1 the run broke; 2 something typed is wrong; 129, 130, 143 interrupted.
    """
    if arguments == ["--version"]:
        print(f"atari-runner {__version__}")
        return 0

    # Imported here, because the emulators' processes import this module too.
    import hydra
    from hydra.core.hydra_config import HydraConfig
    from omegaconf import DictConfig

    from runner.commands import guarded
    from runner.settings import compose, saved, sweeps

    compose.register()
    arguments = compose.with_paths_quoted(arguments)
    codes = []

    def job(composed: DictConfig) -> None:
        code = guarded(lambda: _train(composed, HydraConfig.get()))
        codes.append(code)

    def _train(composed: DictConfig, hydra_config: Any) -> int:
        from runner.run_directory import remove_if_empty
        from runner.training import train

        folder = Path(hydra_config.runtime.output_dir)
        chosen = any("hydra.run.dir" in o for o in hydra_config.overrides.hydra)
        try:
            return train(compose.typed(composed), folder, may_rename=not chosen)
        finally:
            remove_if_empty(folder, Path.cwd())

    def check() -> int:
        sys.argv[1:] = compose.check_command_line(arguments)  # where Hydra reads them
        return 0

    def resume_run() -> int:
        from runner.errors import UserError
        from runner.run_directory import RunDirectory
        from runner.settings.resume import changed, run_to_resume
        from runner.trained import is_pretrained
        from runner.training import resume

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
        return resume(changed(config, overrides), run)

    def run_sweep() -> int:
        from runner.sweep.sweep import sweep

        return sweep(arguments)

    if any(argument.startswith("resume=") for argument in arguments):
        return guarded(resume_run)
    if sweeps.is_sweep(arguments):
        return guarded(run_sweep)
    if code := guarded(check):
        return code
    run_job = hydra.main(
        version_base="1.3", config_path=str(compose.CONF_DIR), config_name="config"
    )
    run_job(job)()
    return max(codes, default=0)


def command() -> int:
    """The console script ``atari-runner``: what ``python -m runner`` does."""
    sys.path.insert(0, "")  # a network of one's own lies in the current folder
    return main(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
