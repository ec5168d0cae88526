"""The process dies at any sync, rename or deletion: the disk holds the old or new state."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from checkpoint.test_store import RUN, assert_same_memory, load, memory_of, play

from runner.checkpoint.store import CheckpointStore
from runner.run_directory import RunDirectory
from runner.settings import saved

OPERATIONS = [(os, "replace"), (os, "fsync"), (Path, "unlink")]


class Gone(BaseException):
    """Cannot be handled, like SIGKILL."""


@contextlib.contextmanager
def gone_at(number: int) -> Iterator[list[str]]:
    """Simulates the death of the process at operation ``number``."""
    done: list[str] = []
    with pytest.MonkeyPatch.context() as patch:
        for owner, name in OPERATIONS:
            patch.setattr(owner, name, _counted(getattr(owner, name), name, done, number))
        with contextlib.suppress(Gone):
            yield done


def _counted(
    original: Callable[..., Any], name: str, done: list[str], number: int
) -> Callable[..., Any]:
    def operation(*args: Any, **options: Any) -> Any:
        if len(done) >= number:
            raise Gone
        done.append(name)
        return original(*args, **options)

    return operation


def saves(folder: Path, then: dict[int, Any], store: CheckpointStore, memory: Any) -> None:
    """Writes four checkpoints, keeping two; stores the memory before each save in ``then``."""
    random = np.random.default_rng(4)
    for step in (10, 20, 30, 40):
        play(memory, 15, random)
        copy = memory_of()
        for ring in copy.RINGS:
            getattr(copy, ring)[:] = getattr(memory, ring)
        copy.written[:] = memory.written
        copy.generator.bit_generator.state = memory.generator.bit_generator.state
        then[step] = copy
        store.save(step, {"step": step})


def test_checkpoints(tmp_path: Path) -> None:
    with gone_at(10_000) as all_done:
        memory = memory_of()
        saves(tmp_path / "0", {}, CheckpointStore(tmp_path / "0", memory, 2, RUN), memory)
    assert len(all_done) > 40
    assert set(all_done) == {"replace", "fsync", "unlink"}
    for number in range(len(all_done)):
        folder, memory = tmp_path / str(number + 1), memory_of()
        then: dict[int, Any] = {}
        with gone_at(number):
            saves(folder, then, CheckpointStore(folder, memory, 2, RUN), memory)
        newest, before = max(then), max(then) - 10
        again = memory_of()
        store, found = load(folder, again)
        if found is None:
            assert newest == 10, number
        else:
            step, state, passed_over = found
            assert (step in (newest, before), state, passed_over) == (True, {"step": step}, [])
            assert_same_memory(again, then[step])
        play(again, 5, np.random.default_rng(0))
        store.save(99, {"step": 99})
        last = memory_of()
        assert load(folder, last)[1] == (99, {"step": 99}, [])
        assert_same_memory(last, again)


def test_a_finished_run_that_is_resumed(load: Any, tmp_path: Path) -> None:
    """After a crash its settings are the old or the new ones, and the next resume works."""
    old, new = load("train.steps=1000"), load("train.steps=2000")
    for number in range(20):
        folder = tmp_path / str(number)
        run = RunDirectory.claim(folder, old, may_rename=False)
        run.final_weights.write_bytes(b"weights")
        run.write_result({"steps": 1000})
        with gone_at(number) as done:
            run.reopen(new)
        assert saved.read(run.config) in (old, new)
        weights = [path for path in run.weights.iterdir() if path.read_bytes() == b"weights"]
        assert len(weights) == 1
        run.reopen(new)
        assert saved.read(run.config) == new
        assert not run.result.exists()
        assert [path.read_bytes() for path in run.weights.iterdir()] == [b"weights"]
        if len(done) < number:
            return
    pytest.fail("it never came to its end")
