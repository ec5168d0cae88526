"""Every command has help and suggests the nearest name."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys

import pytest
from commands.commands_started import ROOT

from runner.settings.flags import COMMANDS

# Name of each command, and its module below ``runner``.
MODULES = {
    path.parent.name if path.stem == "__main__" else path.stem: ".".join(path.parts[1:])[:-3]
    for top in ("*.py", "*/__main__.py")
    for path in (file.relative_to(ROOT) for file in sorted((ROOT / "runner").glob(top)))
    if 'if __name__ == "__main__":' in (ROOT / path).read_text() and path.parts[1] != "__main__.py"
}


def test_every_command_is_known_to_the_runner():
    assert sorted(COMMANDS) == sorted(MODULES)


@pytest.mark.parametrize("name", ["__main__", *MODULES.values()])
@pytest.mark.parametrize("flag", ["--help", "-h"])
def test_help_only_prints(name: str, flag: str, capsys: pytest.CaptureFixture[str]) -> None:
    main = importlib.import_module(f"runner.{name}").main
    assert main([flag]) == 0
    out, err = capsys.readouterr()
    assert f"python -m runner{'' if name == '__main__' else '.' + name.partition('.')[0]}" in out
    assert err == ""


@pytest.mark.parametrize(
    ("name", "typed", "parts"),
    [
        ("evaluate", ["rnu=x"], ["rnu=x", "did you mean run?"]),
        ("evaluate", ["run=/no/such"], ["run=/no/such"]),
        ("evaluate", ["run=x", "seed=" + "9" * 5000], ["seed=999"]),
        ("evaluate", ["run=x", "episodes=1e400"], ["episodes=1e400", "an integer"]),
        ("watch", ["--nope"], ["--nope", "no such setting"]),
        ("watch", ["episodes"], ["episodes", "expected python -m runner.watch"]),
        ("compare", ["--nope"], ["--nope", "python -m runner.compare"]),
        ("__main__", ["evaluate", "run=x"], ["python -m runner.evaluate"]),
        ("__main__", ["atlas", "env=pong"], ["python -m runner.atlas"]),
        ("__main__", ["--hepl"], ["did you mean --help?"]),
    ],
)
def test_a_wrong_word_is_named_in_one_line(
    name: str, typed: list[str], parts: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert importlib.import_module(f"runner.{name}").main(typed) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert len(err.splitlines()) == 1
    assert len(err) <= 310
    assert all(part in err for part in parts), err


@pytest.mark.parametrize(
    "words",
    [["runner", "--help"], ["runner", "--version"], ["runner", "--cfg=job"],
     ["runner.doctor", "--games"]],
)  # fmt: skip
def test_a_reader_that_leaves_is_no_error(words: list[str]) -> None:
    reading, writing = os.pipe()
    os.close(reading)  # as `head` does
    with open(writing, "wb") as output:
        ended = subprocess.run(
            [sys.executable, "-m", *words], stdout=output, stderr=subprocess.PIPE, cwd=ROOT,
            check=False,
        )  # fmt: skip
    assert (ended.returncode, ended.stderr) == (141, b"")
