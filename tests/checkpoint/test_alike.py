"""States of another configuration are detected by their structure before anything is restored."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from runner.checkpoint.alike import check_alike

OWN = {
    "weights": [np.zeros((3, 2), np.float32), np.zeros(2, np.float32)],
    "rate": np.array(0.5),
    "optimizer": [np.zeros(4, np.float32)],
    "games": [{"emulator": b"xyz", "lives": 3, "screen": None}] * 2,
    "idle": [0, 1],
    "name": "MT19937",
}


def changed(key: str, value: Any) -> dict[str, Any]:
    return {**OWN, key: value}


def test_behaviour_that_changes() -> None:
    check_alike(OWN, OWN)
    check_alike(changed("idle", []), OWN)
    check_alike(changed("rate", 0.25), OWN)  # saved as a plain number
    check_alike(changed("games", [{"emulator": b"1", "lives": 0, "screen": 1}] * 2), OWN)


@pytest.mark.parametrize(
    ("state", "where"),
    [
        (changed("weights", OWN["weights"][:1]), r"state\.weights has another length"),
        (changed("weights", [np.zeros((2, 3), np.float32), OWN["weights"][1]]), r"weights\[0\]"),
        (
            changed("weights", [OWN["weights"][0], np.zeros(2)]),
            r"weights\[1\] is \(2,\) float64, expected \(2,\) float32",
        ),
        (changed("weights", [OWN["weights"][0], np.float32([1, np.nan])]), "not finite"),
        (changed("optimizer", []), "optimizer has another length"),
        (changed("optimizer", None), "optimizer has another length"),
        (changed("games", OWN["games"][:1]), "games has another length"),
        (changed("games", [{"emulator": b"xyz"}] * 2), r"games\[0\] has other entries"),
        (changed("games", [{**OWN["games"][0], "emulator": 3}] * 2), "emulator is of another type"),
        (changed("name", 7), "name is of another type"),
        ({}, "state has other entries"),
        ([], "state has other entries"),
    ],
    ids=range(12),
)
def test_behaviour_that_does_not_change(state: Any, where: str) -> None:
    with pytest.raises(ValueError, match=where):
        check_alike(state, OWN)
