"""A tree of plain values and arrays in one file, whole or not there.

The file is an uncompressed NumPy ``.npz`` (a zip archive): each array with a CRC-32 that is checked
when it is read, and the tree itself as JSON. Nothing in it is pickled: reading it runs no code.
"""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from runner.files import written_whole

TREE: Final = "tree"  # name of the JSON among the arrays


class DamagedFileError(ValueError):
    """A file is not what was written: truncated, altered, or something else altogether."""


def write_archive(path: Path, tree: Any) -> None:
    """Writes ``tree`` to ``path``: aside, to the disk, then renamed.

    Args:
        path: The file.
        tree: Nested dicts (of text keys), lists and tuples (read back as lists) of None, bool, int,
            float, str, bytes and NumPy arrays or scalars.

    Raises:
        OSError: The disk is full or cannot be written to; ``path`` is as it was.
    """
    arrays: dict[str, NDArray[Any]] = {}
    text = json.dumps(_packed(tree, arrays))
    arrays[TREE] = np.frombuffer(text.encode(), np.uint8)
    with written_whole(path) as file:
        np.savez(file, **arrays)  # type: ignore[arg-type]


def read_archive(path: Path) -> Any:
    """Reads what ``write_archive`` wrote.

    Raises:
        DamagedFileError: It is missing or not whole.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            arrays = {
                name.removesuffix(".npy"): _array(archive.read(name)) for name in archive.namelist()
            }
        tree = json.loads(arrays[TREE].tobytes())
        return _unpacked(tree, arrays)
    except MemoryError:
        raise
    except Exception as error:  # zip, NumPy, JSON: whatever is wrong, it is the file
        reason = " ".join(str(error).split())[:120]
        raise DamagedFileError(f"{path.name}: {reason}") from error


def _array(member: bytes) -> NDArray[Any]:
    """Reads an array of a member whose CRC-32, of header and data, was checked before."""
    array: NDArray[Any] = np.lib.format.read_array(io.BytesIO(member), allow_pickle=False)
    return array


def _packed(value: Any, arrays: dict[str, NDArray[Any]]) -> Any:
    """Moves arrays and bytes out of ``value`` into ``arrays``; what is left is JSON."""
    if isinstance(value, dict):
        return {key: _packed(item, arrays) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_packed(item, arrays) for item in value]
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray | bytes):
        name = f"a{len(arrays)}"
        raw = isinstance(value, bytes)
        arrays[name] = np.frombuffer(value, np.uint8) if raw else np.asarray(value)
        return {"__bytes__" if raw else "__array__": name}
    return value


def _unpacked(value: Any, arrays: dict[str, NDArray[Any]]) -> Any:
    if isinstance(value, list):
        return [_unpacked(item, arrays) for item in value]
    if not isinstance(value, dict):
        return value
    if value.keys() == {"__array__"}:
        return arrays[value["__array__"]]
    if value.keys() == {"__bytes__"}:
        return arrays[value["__bytes__"]].tobytes()
    return {key: _unpacked(item, arrays) for key, item in value.items()}
