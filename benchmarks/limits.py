"""Percentages of the machine's limits reached by the parts and the whole, from one round."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from benchmarks.cases import DEFAULT
from runner.settings import compose

# Nature network (Mnih et al. 2015), batch 32: multiply-adds of 20x20x32x256 + 9x9x64x512 +
# 7x7x64x576 + 3136x512, twice in FLOP, for the online and the target network's forward pass and
# twice again for the gradient, which the first layer needs only for its weights.
NATURE_GFLOP: Final = 2.18  # per update

Round = Mapping[str, Mapping[str, Any]]


def limits(measured: Round, cores: int) -> dict[str, float]:
    """Returns percentages of limits; leaves out those without figures in the round.

    Args:
        measured: Figures of the cases ``parts`` or ``ram_default``, by side.
        cores: Cores of the machine.
    """
    found = {}
    for dtype, end in (("float32", ""), ("bfloat16", "_bfloat16")):
        peak = _figure(measured, "matmul", f"{dtype}_gflop_per_s")
        ms = _figure(measured, f"learner_nature_1_per_4{end}", "ms_per_update")
        if peak and ms:
            found[f"nature_{dtype}_percent_of_matmul"] = 100 * NATURE_GFLOP / (ms / 1000) / peak
    emulators = _figure(measured, "emulators_ram", "steps_per_s")
    default = compose.load(DEFAULT).agent.train_interval
    for name, interval in (("ram_1_per_4", 4), ("ram_1_per_1", 1), ("ram_default", default)):
        ms = _figure(measured, f"learner_{name}_one_thread", "ms_per_update")
        whole = _figure(measured, name, "steps_per_s")
        if emulators and ms:
            bound = steps_bound(cores, emulators, ms / 1000 / interval)
            found[f"{name}_bound_steps_per_s"] = bound
            if whole:
                found[f"{name}_percent_of_bound"] = 100 * whole / bound
    return found


def steps_bound(cores: int, emulator_steps_per_s: float, learner_core_s_per_step: float) -> float:
    """Upper bound on steps/s for any schedule of this emulator and this learner on ``cores``.

    Args:
        cores: Cores of the machine.
        emulator_steps_per_s: Rate of the emulators alone on all cores.
        learner_core_s_per_step: Core-seconds of learning per step.
    """
    emulator_core_s_per_step = cores / emulator_steps_per_s
    return cores / (emulator_core_s_per_step + learner_core_s_per_step)


def _figure(measured: Round, side: str, name: str) -> float | None:
    return measured.get(side, {}).get(name)
