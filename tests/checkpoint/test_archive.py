"""Archives round-trip; incomplete ones are refused; their content is never executed."""

from __future__ import annotations

import errno
import io
import os
import struct
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from runner import files
from runner.checkpoint.archive import DamagedFileError, read_archive, write_archive

TREE = {
    "none": None,
    "yes": True,
    "small": -3,
    "large": 2**127 + 1,
    "float": 0.1,
    "text": "né\n",
    "bytes": bytes(range(256)),
    "no bytes": b"",
    "images": np.arange(60, dtype=np.uint8).reshape(3, 4, 5),
    "no images": np.empty((0, 4), np.float32),
    "scalar": np.float64(2.5),
    "zero-dimensional": np.array(7),
    "nested": [{"a": [1, (2, np.array([True, False]))]}, []],
}


def assert_same(ours: Any, expected: Any) -> None:
    if isinstance(expected, dict):
        assert ours.keys() == expected.keys()
        for key in expected:
            assert_same(ours[key], expected[key])
    elif isinstance(expected, list | tuple):
        assert isinstance(ours, list)
        assert len(ours) == len(expected)
        for a, b in zip(ours, expected, strict=True):
            assert_same(a, b)
    elif isinstance(expected, np.ndarray):
        assert ours.dtype == expected.dtype
        np.testing.assert_array_equal(ours, expected)
    else:
        assert ours == expected
        assert isinstance(expected, np.generic) or type(ours) is type(expected)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    write_archive(tmp_path / "tree.npz", TREE)
    return tmp_path / "tree.npz"


def test_archives_round_trip(file: Path) -> None:
    assert_same(read_archive(file), TREE)
    assert [path.name for path in file.parent.iterdir()] == ["tree.npz"]


def test_invalid_numbers(tmp_path: Path) -> None:
    write_archive(tmp_path / "f", [float("nan"), float("inf"), float("-inf"), np.array(np.nan)])
    nan, high, low, array = read_archive(tmp_path / "f")
    assert nan != nan
    assert (high, low) == (float("inf"), float("-inf"))
    assert np.isnan(array)


def test_a_restored_generator_continues(tmp_path: Path) -> None:
    generator = np.random.default_rng(5)
    generator.integers(10, size=3)
    write_archive(tmp_path / "f", generator.bit_generator.state)
    again = np.random.default_rng()
    again.bit_generator.state = read_archive(tmp_path / "f")
    np.testing.assert_array_equal(generator.random(20), again.random(20))


def test_truncated(file: Path) -> None:
    whole = file.read_bytes()
    for length in [*range(0, len(whole), 97), len(whole) - 1]:
        file.write_bytes(whole[:length])
        with pytest.raises(DamagedFileError, match=r"tree\.npz"):
            read_archive(file)


def test_one_altered_byte_is_detected_or_harmless(file: Path) -> None:
    """Throughout the file: data, shapes, names, sizes. Only dates and padding may differ."""
    whole = file.read_bytes()
    refused = 0
    for at in range(0, len(whole), 3):
        altered = bytearray(whole)
        altered[at] ^= 1 << at % 8
        file.write_bytes(altered)
        try:
            assert_same(read_archive(file), TREE)
        except DamagedFileError:
            refused += 1
    assert refused > 0.6 * len(range(0, len(whole), 3))


def test_a_shape_smaller_than_the_data(tmp_path: Path) -> None:
    """A reader would stop before the end of the array, where zip compares the CRC-32."""
    path = tmp_path / "f"
    write_archive(path, {"images": np.zeros((300, 1000), np.uint8)})
    whole = path.read_bytes()
    at = whole.index(b"(300,") + 1
    path.write_bytes(whole[:at] + b"2" + whole[at + 1 :])
    with pytest.raises(DamagedFileError, match="shape"):
        read_archive(path)


@pytest.mark.parametrize("content", [None, b"", b"nothing of the kind", b"PK\x03\x04"])
def test_a_missing_archive(content: bytes | None, tmp_path: Path) -> None:
    if content is not None:
        (tmp_path / "f").write_bytes(content)
    with pytest.raises(DamagedFileError, match=r"^f: "):
        read_archive(tmp_path / "f")


def test_an_archive_of_another_program(tmp_path: Path) -> None:
    np.savez(tmp_path / "f.npz", weights=np.zeros(3))
    with pytest.raises(DamagedFileError):
        read_archive(tmp_path / "f.npz")


def array_bytes(array: Any, shape: str | None = None) -> bytes:
    """An archive member whose header may claim a different ``shape``."""
    made = io.BytesIO()
    header = np.lib.format.header_data_from_array_1_0(array)
    if shape is not None:
        header["shape"] = eval(shape)
    np.lib.format.write_array_header_1_0(made, header)
    return made.getvalue() + array.tobytes()


def archive_of(path: Path, tree: str, members: dict[str, bytes], kind: int = 0) -> None:
    with zipfile.ZipFile(path, "w", kind) as made:
        for name, content in members.items():
            made.writestr(f"{name}.npy", content)
        made.writestr("tree.npy", array_bytes(np.frombuffer(tree.encode(), np.uint8)))


ONE = '{"__array__": "a0"}'


@pytest.mark.parametrize(
    "shape",
    [
        "(2**50,)", "(2**62, 2**62)", "(-3,)", "(2, -2)", "(0, 2**63)", "(1,) * 70", "(2.5,)",
        "(2,)",
    ],
)  # fmt: skip
def test_shapes_that_do_not_match_the_data(shape: str, tmp_path: Path) -> None:
    archive_of(tmp_path / "f", ONE, {"a0": array_bytes(np.zeros(3), shape)})
    with pytest.raises(DamagedFileError, match=r"^f: "):
        read_archive(tmp_path / "f")


@pytest.mark.parametrize("dtype", ["V0", "O", "(2,)O", "nonsense"])
def test_types_without_a_size(dtype: str, tmp_path: Path) -> None:
    member = array_bytes(np.zeros(0)).replace(b"'<f8'", f"'{dtype}'".encode())
    archive_of(tmp_path / "f", ONE, {"a0": member})
    with pytest.raises(DamagedFileError, match=r"^f: "):
        read_archive(tmp_path / "f")


def test_compressed_members_are_refused(tmp_path: Path) -> None:
    """10 MB of zeros in 10 kB; two members with the same bytes; two references to one array."""
    zeros = array_bytes(np.zeros(10_000_000, np.uint8))
    archive_of(tmp_path / "f", ONE, {"a0": zeros}, zipfile.ZIP_DEFLATED)
    assert (tmp_path / "f").stat().st_size < 20_000
    with pytest.raises(DamagedFileError, match="compressed"):
        read_archive(tmp_path / "f")

    archive_of(tmp_path / "f", ONE, {"a0": zeros})
    whole = (tmp_path / "f").read_bytes()
    start, end = whole.index(b"PK\x01\x02"), whole.index(b"PK\x05\x06")
    entry = whole[start : whole.rindex(b"PK\x01\x02")]
    more = entry.replace(b"a0", b"b0")  # shares the bytes
    content = bytearray(whole[:end] + more + whole[end:])
    end += len(more)
    content[end + 8 : end + 16] = struct.pack("<HHI", 3, 3, end - start)
    (tmp_path / "f").write_bytes(content)
    with pytest.raises(DamagedFileError, match=r"larger than itself|Overlapped"):
        read_archive(tmp_path / "f")

    for kind in ("array", "bytes"):
        tree = f'{{"a": {{"__{kind}__": "a0"}}, "b": {{"__{kind}__": "a0"}}}}'
        archive_of(tmp_path / "f", tree, {"a0": array_bytes(np.zeros(3, np.uint8))})
        with pytest.raises(DamagedFileError, match="a0"):
            read_archive(tmp_path / "f")


@pytest.mark.parametrize("tree", ["[" * 100_000, "9" * 10_000, "", "{", '{"__array__": []}'])
def test_invalid_trees(tree: str, tmp_path: Path) -> None:
    archive_of(tmp_path / "f", tree, {})
    with pytest.raises(DamagedFileError, match=r"^f: "):
        read_archive(tmp_path / "f")


class _Trap:
    def __init__(self, path: Path) -> None:
        self._path = path

    def __reduce__(self) -> Any:
        return Path.touch, (self._path,)


def test_archives_execute_no_code(tmp_path: Path) -> None:
    trace = tmp_path / "it ran"
    pickled = io.BytesIO()
    np.save(pickled, np.array([_Trap(trace)], dtype=object), allow_pickle=True)
    tree = io.BytesIO()
    np.save(tree, np.frombuffer(b'{"__array__": "a0"}', np.uint8))
    with zipfile.ZipFile(tmp_path / "f", "w") as made:
        made.writestr("a0.npy", pickled.getvalue())
        made.writestr("tree.npy", tree.getvalue())
    with pytest.raises(DamagedFileError, match=r"pickle|Object arrays"):
        read_archive(tmp_path / "f")
    assert not trace.exists()
    pickled.seek(0)
    np.load(pickled, allow_pickle=True)  # the trap works
    assert trace.exists()


@pytest.mark.parametrize("call", ["replace", "fsync"])
def test_a_failed_write_keeps_the_old_file(
    call: str, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(files.os, call, full)
    with pytest.raises(OSError, match="No space"):
        write_archive(file, {"new": 1})
    monkeypatch.undo()
    assert_same(read_archive(file), TREE)
    assert [path.name for path in file.parent.iterdir()] == ["tree.npz"]
