"""Checkpoints and replay segments: exact, bounded in size, with damage detected."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from runner.checkpoint.archive import read_archive, write_archive
from runner.checkpoint.store import FORMAT, CheckpointStore
from runner.errors import UserError
from runner.memory.replay import ReplayMemory

SHAPE = (3,)


def memory_of(streams: int = 3, limit: int = 60) -> ReplayMemory:
    return ReplayMemory(limit, 2, SHAPE, streams=streams, seed=1)


def play(memory: ReplayMemory, steps: int, random: np.random.Generator) -> None:
    """Steps random subsets of the streams, so that their lengths differ; some episodes end."""
    for _ in range(steps):
        some = np.flatnonzero(random.random(memory.streams) < 0.7)
        if not some.size:
            continue
        n = some.size
        terminals = random.random(n) < 0.1
        memory.append_steps(
            some,
            random.integers(256, size=(n, *SHAPE), dtype=np.uint8),
            random.integers(4, size=n),
            random.normal(size=n),
            terminals,
            terminals | (random.random(n) < 0.05),
            random.integers(256, size=(n, *SHAPE), dtype=np.uint8),
        )


def assert_same_memory(ours: ReplayMemory, expected: ReplayMemory) -> None:
    np.testing.assert_array_equal(ours.written, expected.written)
    for stream, written in enumerate(expected.written):
        live = np.arange(max(written - expected.capacity, 0), written) % expected.capacity
        for name in expected.RINGS:
            np.testing.assert_array_equal(
                getattr(ours, name)[stream, live], getattr(expected, name)[stream, live]
            )
    ours.generator.bit_generator.state = expected.generator.bit_generator.state
    for a, b in zip(ours.sample_batches(3, 8), expected.sample_batches(3, 8), strict=True):
        np.testing.assert_array_equal(a, b)


RUN = "a" * 32  # ID of the run


def load(
    folder: Path, memory: ReplayMemory, keep: int = 2, run: str = RUN, refuses: Any = ()
) -> tuple[CheckpointStore, Any]:
    """Returns step, state and skipped checkpoints; states at ``refuses`` do not fit."""
    store = CheckpointStore(folder, memory, keep, run)
    taken: list[Any] = []

    def restore(step: int, state: dict[str, Any]) -> None:
        if step in refuses:
            raise refuses[step]
        taken[:] = [step, state]

    passed_over = store.load(restore)
    return store, None if passed_over is None else (*taken, passed_over)


def names(folder: Path, kind: str) -> list[str]:
    return sorted(path.name for path in folder.glob(f"*.{kind}.npz"))


@pytest.mark.parametrize("streams", [1, 3])
@pytest.mark.parametrize("seed", range(6))
def test_a_memory_is_restored_from_any_sequence_of_saves(
    seed: int, streams: int, tmp_path: Path
) -> None:
    """Intervals from zero steps to several wraps of the ring; some saves follow a restart."""
    random = np.random.default_rng(seed)
    memory = memory_of(streams)
    keep = int(random.integers(1, 4))
    store, found = load(tmp_path, memory, keep)
    assert found is None
    play(memory, 10, random)
    for step in range(1, 16):
        play(memory, int(random.choice([0, 1, 5, 17, 70])), random)
        store.save(step, {"step": step})
        assert len(names(tmp_path, "state")) == min(step, keep)
        again = memory_of(streams)
        store_again, found = load(tmp_path, again, keep)
        assert found == (step, {"step": step}, [])
        assert_same_memory(again, memory)
        if random.random() < 0.4:
            memory, store = again, store_again


@pytest.mark.parametrize(("keep", "interval"), [(1, 4), (2, 4), (3, 9), (2, 40)])
def test_disk_usage_is_close_to_the_memory_size(keep: int, interval: int, tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    memory = memory_of(streams=1)
    store = CheckpointStore(tmp_path, memory, keep, RUN)
    for step in range(1, 40):
        before = memory.written.copy()
        while memory.written[0] < before[0] + interval - 1:  # an episode end writes two entries
            play(memory, 1, random)
        store.save(step, {})
        held = 0
        listed: set[str] = set()
        for name in names(tmp_path, "state"):
            listed |= {segment["file"] for segment in read_archive(tmp_path / name)["replay"]}
        for name in names(tmp_path, "replay"):
            segment = read_archive(tmp_path / name)
            held += sum(np.array(segment["last"]) - np.array(segment["first"]))
        assert held <= memory.limit + (keep + 1) * (interval + 1)
        assert set(names(tmp_path, "replay")) == listed  # neither orphans nor gaps
        assert len(names(tmp_path, "state")) == min(step, keep)


def test_a_checkpoint_writes_only_new_transitions(tmp_path: Path) -> None:
    sizes = []
    for limit in (600, 6000):
        folder = tmp_path / str(limit)
        memory, random = memory_of(1, limit), np.random.default_rng(0)
        store = CheckpointStore(folder, memory, 2, RUN)
        for step in range(1, 5):
            play(memory, 100, random)
            store.save(step, {})
        sizes.append((folder / names(folder, "replay")[-1]).stat().st_size)
    assert sizes[0] == sizes[1]


@pytest.fixture
def saved(tmp_path: Path) -> tuple[Path, list[ReplayMemory]]:
    """Three checkpoints, two of them kept, and the memory at each of those two."""
    memory, random = memory_of(), np.random.default_rng(3)
    folder = tmp_path / "run"
    folder.mkdir()
    store = CheckpointStore(folder, memory, 2, RUN)
    then = []
    for step in (10, 20, 30):
        play(memory, 12, random)
        store.save(step, {"step": step})
        copy = memory_of()
        load(folder, copy)
        copy.generator.bit_generator.state = memory.generator.bit_generator.state
        then.append(copy)
    return folder, then[1:]


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-30])


def alter(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[150] ^= 4
    path.write_bytes(content)


@pytest.mark.parametrize("damage", [truncate, alter, Path.unlink])
@pytest.mark.parametrize("kind", ["state", "replay"])
def test_fallback_to_the_checkpoint_before_a_damaged_one(
    kind: str, damage: Any, saved: Any
) -> None:
    folder, (before, _) = saved
    damage(folder / names(folder, kind)[-1])
    memory = memory_of()
    store, (step, state, damaged) = load(folder, memory)
    assert (step, state) == (20, {"step": 20})
    if damage is not Path.unlink or kind == "replay":
        (line,) = damaged
        assert f"step_000000000030.{kind}.npz" in line
        assert "\n" not in line
    assert_same_memory(memory, before)
    play(memory, 5, np.random.default_rng(0))
    store.save(25, {"step": 25})  # deletes the damaged checkpoint
    again = memory_of()
    assert load(folder, again)[1] == (25, {"step": 25}, [])
    assert_same_memory(again, memory)
    assert names(folder, "state") == [f"step_{n:012d}.state.npz" for n in (20, 25)]


def test_all_damaged(saved: Any) -> None:
    folder, _ = saved
    for name in names(folder, "state"):
        truncate(folder / name)
    with pytest.raises(UserError, match="undamaged checkpoint") as caught:
        load(folder, memory_of())
    assert "\n" not in str(caught.value)
    for step in (20, 30):
        assert f"step_{step:012d}.state.npz" in str(caught.value)


def test_another_format_is_refused(saved: Any) -> None:
    folder, _ = saved
    path = folder / names(folder, "state")[-1]
    write_archive(path, {**read_archive(path), "format": FORMAT + 1})
    with pytest.raises(UserError, match=f"format {FORMAT + 1}; expected {FORMAT}"):
        load(folder, memory_of())


def test_a_segment_of_another_run(saved: Any, tmp_path: Path) -> None:
    folder, (before, _) = saved
    other = tmp_path / "other"
    other.mkdir()
    memory = memory_of()
    play(memory, 20, np.random.default_rng(9))
    CheckpointStore(other, memory, 2, RUN).save(30, {})
    name = names(folder, "replay")[-1]
    (other / name).replace(folder / name)
    again = memory_of()
    _, (step, _, (line,)) = load(folder, again)
    assert step == 20
    assert "belongs to another checkpoint" in line
    assert_same_memory(again, before)


def without(path: Path, key: str) -> None:
    write_archive(path, {k: v for k, v in read_archive(path).items() if k != key})


def replay_changed(folder: Path, change: Callable[[list[dict[str, Any]]], Any]) -> None:
    """Changes the list of segments in the newest state; the archive stays valid."""
    path = folder / names(folder, "state")[-1]
    content = read_archive(path)
    change(content["replay"])
    write_archive(path, content)


@pytest.mark.parametrize(
    ("change", "part"),
    [
        (lambda replay: replay[0].update(file="../../elsewhere.replay.npz"), "no segment"),
        (lambda replay: replay[0].update(file="/etc/passwd"), "no segment"),
        (lambda replay: replay[0].update(file=["x"]), "fit"),
        (lambda replay: replay.pop(), "segments are missing"),
        (lambda replay: replay.pop(-2), "segments are missing"),
        (lambda replay: replay[-1].update(last=[2**50] * 3), "holds more than the memory"),
        (lambda replay: replay[-1].update(last=[2**70] * 3), "fit"),
        (lambda replay: replay[-1].update(first=[-1, 0, 0]), "not of 3 games"),
        (lambda replay: replay[-1].update(first=[0], last=[1]), "not of 3 games"),
        (lambda replay: replay[-1].update(run="b" * 32), "belongs to another checkpoint"),
    ],
    ids=range(10),
)
def test_segments_that_do_not_match_the_memory(change: Any, part: str, saved: Any) -> None:
    folder, (before, _) = saved
    replay_changed(folder, change)
    memory = memory_of()
    _, (step, _, (line,)) = load(folder, memory)
    assert step == 20
    assert part in line
    assert_same_memory(memory, before)


def test_entries_of_another_shape(saved: Any) -> None:
    folder, (before, _) = saved
    path = folder / names(folder, "replay")[-1]
    content = read_archive(path)
    for name, wrong in [
        ("observations", content["observations"][:, :2]),
        ("observations", content["observations"][:-1]),
        ("rewards", content["rewards"].astype(np.float64)),
    ]:
        write_archive(path, {**content, name: wrong})
        memory = memory_of()
        _, (step, _, (line,)) = load(folder, memory)
        assert step == 20
        assert name in line
        assert_same_memory(memory, before)


@pytest.mark.parametrize("error", [ValueError("weights"), KeyError("optimizer"), IndexError()])
def test_fallback_to_the_checkpoint_before_an_unfitting_one(error: Exception, saved: Any) -> None:
    folder, (before, _) = saved
    memory = memory_of()
    _, (step, state, (line,)) = load(folder, memory, refuses={30: error})
    assert (step, state) == (20, {"step": 20})
    assert "step_000000000030.state.npz does not fit" in line
    assert type(error).__name__ in line
    assert_same_memory(memory, before)


def test_an_unusable_run_is_left_unchanged(saved: Any) -> None:
    folder, _ = saved
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    with pytest.raises(UserError, match="does not fit") as caught:
        load(folder, memory_of(), refuses={20: ValueError("a\nb"), 30: ValueError("c")})
    assert "\n" not in str(caught.value)
    with pytest.raises(UserError, match="another run"):
        load(folder, memory_of(), run="b" * 32)
    with pytest.raises(UserError, match=r"train\.steps"):  # the command is wrong, not the state
        load(folder, memory_of(), refuses={30: UserError("train.steps=1: expected more")})
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_a_renamed_checkpoint(saved: Any) -> None:
    folder, _ = saved
    newest = folder / names(folder, "state")[-1]
    newest.rename(folder / "step_000000000099.state.npz")
    assert load(folder, memory_of())[1][0] == 20


def test_an_incomplete_state(saved: Any) -> None:
    folder, _ = saved
    for key in ("run", "replay", "state"):
        without(folder / names(folder, "state")[-1], key)
        assert load(folder, memory_of())[1][0] == 20


def test_no_checkpoint_yet(tmp_path: Path) -> None:
    make = functools.partial(load, tmp_path / "checkpoints", memory_of())
    assert make()[1] is None
    assert not (tmp_path / "checkpoints").exists()
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "checkpoints" / ".step_000000000001.state.npz.tmp").write_bytes(b"half")
    assert make()[1] is None
