"""Checks that a saved state has the structure that this session expects."""

from __future__ import annotations

from typing import Any

import numpy as np


def check_alike(state: Any, own: Any, name: str = "state") -> None:
    """Checks that ``state`` has the keys, shapes and types of ``own``, and finite numbers.

    Lists of plain values may have any length: the number of steps in progress varies.

    Raises:
        ValueError: ``state`` differs; the message says where.
    """
    if isinstance(own, dict):
        if not isinstance(state, dict) or state.keys() != own.keys():
            raise ValueError(f"{name} has other entries")
        for key, value in own.items():
            check_alike(state[key], value, f"{name}.{key}")
    elif isinstance(own, list | tuple):
        holds = any(isinstance(item, dict | list | tuple | np.ndarray) for item in own)
        if not isinstance(state, list) or (holds and len(state) != len(own)):
            raise ValueError(f"{name} has another length")
        for i, (theirs, ours) in enumerate(zip(state, own, strict=False)):
            check_alike(theirs, ours, f"{name}[{i}]")
    elif isinstance(own, np.ndarray) and own.shape:
        theirs = np.asarray(state)
        if (theirs.shape, theirs.dtype) != (own.shape, own.dtype):
            raise ValueError(
                f"{name} is {theirs.shape} {theirs.dtype}, expected {own.shape} {own.dtype}"
            )
        if theirs.dtype.kind == "f" and not np.isfinite(theirs).all():
            raise ValueError(f"{name} has numbers that are not finite")
    elif isinstance(own, bytes | str) != isinstance(state, bytes | str):
        raise ValueError(f"{name} is of another type")
