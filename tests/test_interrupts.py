"""Signals: closed terminals, ``nohup``, interrupted imports."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import pytest

from runner.interrupts import Interrupts, children_spared, outlive_the_terminal, postponed

ROOT = Path(__file__).parents[1]
WORK = """
import fcntl, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)  # the terminal is this process's own
from runner.interrupts import Interrupts
asked = []
with Interrupts(stop=lambda: asked.append(1), save=lambda: None) as interrupts:
    while not asked:
        print("getting on", flush=True)
    for _ in range(100):
        print("saving", flush=True)
with open("saved", "w") as file:
    file.write(str(interrupts.exit_code))
"""

pytestmark = pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="POSIX terminals")


@pytest.mark.parametrize("attempt", range(3))  # the terminal may vanish in the middle of a line
def test_work_is_saved_when_its_terminal_is_closed(tmp_path: Path, attempt: int) -> None:
    ours, theirs = os.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", WORK], cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True,
    )  # fmt: skip
    os.close(theirs)
    try:
        assert b"getting on" in os.read(ours, 1000)
        os.close(ours)
        assert process.wait(30) == 0
    finally:
        process.kill()  # a process that missed the signal would run forever
    assert (tmp_path / "saved").read_text() == "129"


def test_a_warning_before_the_time_limit_does_not_end_the_evaluation() -> None:
    saved = []
    with Interrupts(stop=pytest.fail, save=lambda: saved.append(1)):
        os.kill(os.getpid(), signal.SIGUSR1)
    os.kill(os.getpid(), signal.SIGUSR1)
    assert saved == [1]


def test_nohup() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with Interrupts(stop=pytest.fail, save=lambda: None):
            os.kill(os.getpid(), signal.SIGHUP)
    finally:
        signal.signal(signal.SIGHUP, before)


def test_another_thread_is_not_interrupted() -> None:
    with ThreadPoolExecutor(1) as pool:
        interrupts = Interrupts(stop=pytest.fail, save=pytest.fail)
        assert pool.submit(interrupts.__enter__).result() is interrupts
        pool.submit(interrupts.__exit__).result()


def test_redirected_output_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "isatty", lambda descriptor: True)
    with redirect_stdout(io.StringIO()) as output, redirect_stderr(output):
        outlive_the_terminal()
        assert sys.stdout is sys.stderr is output


def test_a_sweeps_processes_ignore_terminal_signals() -> None:
    send = "import os, signal; os.kill(os.getpid(), signal.SIGINT); os.kill(os.getpid(), 1)"
    with children_spared():
        assert subprocess.run([sys.executable, "-c", send], check=False).returncode == 0
    assert subprocess.run([sys.executable, "-c", send], check=False, stderr=-3).returncode != 0


@pytest.mark.parametrize("signals", [1, 2])
def test_an_import_is_not_interrupted_by_the_first_signal(signals: int) -> None:
    done = []

    def imported() -> None:
        with postponed():
            for _ in range(signals):
                signal.raise_signal(signal.SIGINT)
                done.append("after a signal")
            done.append("end")

    with pytest.raises(KeyboardInterrupt):
        imported()
    assert done == (["after a signal", "end"] if signals == 1 else ["after a signal"])
    with pytest.raises(KeyboardInterrupt):  # as before
        signal.raise_signal(signal.SIGINT)
