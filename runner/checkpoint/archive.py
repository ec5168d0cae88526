"""A tree of plain values and arrays in one file, written atomically.

The file is an uncompressed NumPy ``.npz`` (a zip archive): arrays, each with a CRC-32 that is
checked on reading, and the tree as JSON. Nothing is pickled: reading runs no code.
"""

from __future__ import annotations

import functools
import json
import math
import zipfile
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from runner.errors import reason
from runner.files import written_whole

TREE: Final = "tree"  # name of the JSON among the arrays
CHUNK: Final = 2**24  # bytes per read, which are copied


class DamagedFileError(ValueError):
    """A file is truncated, altered, or has another format."""


def write_archive(path: Path, tree: Any) -> None:
    """Writes ``tree`` to a temporary file, flushes it to the disk and renames it to ``path``.

    Args:
        path: The file.
        tree: Nested dicts (of text keys), lists and tuples (read back as lists) of None, bool, int,
            float, str, bytes and NumPy arrays or scalars.

    Raises:
        OSError: The disk is full or not writable; ``path`` is unchanged.
    """
    arrays: dict[str, NDArray[Any]] = {}
    text = json.dumps(tree, default=functools.partial(_packed, arrays))
    arrays[TREE] = np.frombuffer(text.encode(), np.uint8)
    with written_whole(path) as file:
        np.savez(file, **arrays)  # type: ignore[arg-type]


def read_archive(path: Path) -> Any:
    """Reads a file written by ``write_archive``; needs as much memory as the file's size.

    Raises:
        DamagedFileError: The file is missing or damaged.
    """
    try:
        with path.open("rb") as file, zipfile.ZipFile(file) as archive:
            members = archive.infolist()
            # Members are uncompressed and disjoint: content cannot exceed the file's size.
            if any(member.compress_type != zipfile.ZIP_STORED for member in members):
                raise ValueError("compressed")
            if sum(member.file_size for member in members) > path.stat().st_size:
                raise ValueError("larger than itself")
            arrays = {m.filename.removesuffix(".npy"): _array(archive, m) for m in members}
        text = arrays[TREE].tobytes()
        return json.loads(text, object_hook=functools.partial(_unpacked, arrays))
    except MemoryError:
        raise
    except Exception as error:  # zip, NumPy, JSON: any error is an error of the file
        raise DamagedFileError(f"{path.name}: {reason(error, 120)}") from error


def _array(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> NDArray[Any]:
    """Reads an array to its end, where zip verifies the CRC-32 of header and data."""
    with archive.open(member) as file:
        version = np.lib.format.read_magic(file)
        if version != (1, 0):
            raise ValueError(f"an array of format {version}")
        shape, fortran_order, dtype = np.lib.format.read_array_header_1_0(file)
        if dtype.hasobject or not dtype.itemsize:
            raise ValueError(f"Object arrays, which only pickle reads, or empty ones ({dtype})")
        if math.prod(shape) * dtype.itemsize != member.file_size - file.tell():
            raise ValueError(f"an array of shape {shape} in {member.file_size:,} bytes")
        flat = np.empty(math.prod(shape), dtype)
        content = flat.view(np.uint8)
        for start in range(0, len(content), CHUNK):
            part = content[start : start + CHUNK]
            part[:] = np.frombuffer(file.read(len(part)), np.uint8)
    return flat.reshape(shape, order="F" if fortran_order else "C")


def _packed(arrays: dict[str, NDArray[Any]], value: Any) -> Any:
    """Moves an array or bytes, which JSON cannot hold, to ``arrays``."""
    if isinstance(value, np.generic):
        return value.item()
    if not isinstance(value, np.ndarray | bytes):
        raise TypeError(f"{type(value).__name__} cannot be written")
    name = f"a{len(arrays)}"
    raw = isinstance(value, bytes)
    arrays[name] = np.frombuffer(value, np.uint8) if raw else np.asarray(value)
    return {"__bytes__" if raw else "__array__": name}


def _unpacked(arrays: dict[str, NDArray[Any]], value: dict[str, Any]) -> Any:
    if value.keys() == {"__array__"}:
        return arrays.pop(value["__array__"])  # each array is referenced once
    if value.keys() == {"__bytes__"}:
        return arrays.pop(value["__bytes__"]).tobytes()
    return value
