"""Benchmark cases. Peers do the same work; each side uses its default threads and processes.

The numbers of steps suit a machine with two cores: 15 to 25 seconds per measurement.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

QUICK: Final = 0.1  # share of the steps and seconds that --quick measures
WARMUP: Final = 2000  # steps before the first update
START: Final = WARMUP + 480  # first timed step: compilation is done; full turns on every side
START_RAW: Final = 48  # first timed step for the raw screen, whose memory needs few steps
WARMUP_RAW: Final = 40
EPSILON: Final = 0.05
# The default agent, which learns from step 4,000 on, when most of its actions are greedy.
DEFAULT: Final = ["env=space_invaders", "obs=ram", "train.warmup=4000", "policy.nb_steps=4000"]
OBSERVED: Final = {"ram": ["obs=ram"], "pixel": ["obs=pixel", "model=nature"]}  # 84x84 pixels
LIMITS: Final = {"ram": 100_000, "pixel": 20_000}  # transitions in the replay memory


@dataclass(frozen=True)
class Side:
    """One side of a case."""

    name: str
    script: str  # in benchmarks/sides
    arguments: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Case:
    """Sides measured A B C, A B C, ... Rates of peers are compared with the first side's."""

    name: str
    title: str
    sides: tuple[Side, ...]
    peers: bool = False  # ratios are meaningful
    most_repeats: int | None = None


def all_cases(quick: bool = False) -> tuple[Case, ...]:
    """Returns every case in the order of a full run."""
    share = QUICK if quick else 1.0
    return (
        _peers(
            "ram_1_per_4", "RAM, dense 384-512-128, 1 update per 4 steps", "ram", 4, share,
            ours=48_000, sb3=20_000, keras_rl2=6_000,
        ),
        _peers(
            "ram_1_per_1", "RAM, dense 384-512-128, 1 update per step", "ram", 1, share,
            ours=20_000, sb3=8_000, keras_rl2=3_200,
        ),
        _peers(
            "nature_1_per_4", "Screen 84x84x4, Nature network, 1 update per 4 steps", "pixel", 4,
            share, ours=4_800, ours_bfloat16=6_400, sb3=2_400, keras_rl2=1_600,
        ),
        _raw_screen(share),
        _ram_default(share),
        _parts(share),
        _replay(share),
        _checkpoint(),
        _endurance(quick),
        _startup(),
    )  # fmt: skip


def _overrides(obs: str, train_interval: int) -> list[str]:
    """Overrides for the common work of all peers."""
    return [
        *OBSERVED[obs],
        "env=space_invaders",
        "env.protocol=v5",
        "agent=dqn",
        f"agent.train_interval={train_interval}",
        "agent.batch_size=32",
        "agent.gamma=0.99",
        "agent.learning_rate=0.00025",
        "agent.target_update=10000",
        "agent.delta_clip=1",
        "agent.double=false",
        "agent.dueling=none",
        f"memory.limit={LIMITS[obs]}",
        f"policy.value_max={EPSILON}",
        f"policy.value_min={EPSILON}",
        f"train.warmup={WARMUP}",
    ]


def _peers(
    name: str, title: str, obs: str, train_interval: int, share: float, **steps: int
) -> Case:
    overrides = _overrides(obs, train_interval)
    sb3 = {
        "obs": obs,
        "train_interval": train_interval,
        "limit": LIMITS[obs],
        "warmup": WARMUP,
        "epsilon": EPSILON,
    }
    float32, bfloat16 = ([*overrides, f"agent.precision={p}"] for p in ("float32", "bfloat16"))
    stock = [*overrides, "agent=keras_rl2", "memory=sequential"]
    scripts: dict[str, tuple[str, dict[str, Any]]] = {
        "ours": ("ours", {"overrides": float32}),
        "ours_bfloat16": ("ours", {"overrides": bfloat16}),
        "sb3": ("sb3", sb3),
        "keras_rl2": ("ours", {"overrides": stock}),
    }
    sides = []
    for side, count in steps.items():
        script, arguments = scripts[side]
        timed = {"start": START, "steps": _turns(count * share)}
        sides.append(Side(side, script, {**arguments, **timed}))
    return Case(name, title, tuple(sides), peers=True)


def _turns(steps: float) -> int:
    """Rounds down to full turns of 16 environments, which are also full turns of 8."""
    return max(int(steps) // 16, 1) * 16


def _raw_screen(share: float) -> Case:
    def side(name: str, agent: str, steps: int, dtype: str = "float32") -> Side:
        arguments = {
            "agent": agent,
            "warmup": WARMUP_RAW,
            "start": START_RAW,
            "steps": max(int(steps * share), 5),
            "dtype": dtype,
        }
        return Side(name, "raw_screen", arguments)

    return Case(
        "raw_screen",
        "Three raw RGB screens, 34.8 million weights, 1 update per step",
        (
            side("ours", "ours", 60),
            side("ours_bfloat16", "ours", 100, "mixed_bfloat16"),
            side("keras_rl2", "keras_rl2", 25),
        ),
        peers=True,
    )


def _ram_default(share: float) -> Case:
    seconds = 10 * share
    learner = {"overrides": DEFAULT, "seconds": seconds, "threads": 1}
    whole = {"overrides": DEFAULT, "start": 6_000, "steps": _turns(24_000 * share)}
    return Case(
        "ram_default",
        "The default agent from RAM, its parts alone, and what they allow together",
        (
            Side("emulators_ram", "emulators", {"overrides": OBSERVED["ram"], "seconds": seconds}),
            Side("learner_ram_default_one_thread", "learner", learner),
            Side("ram_default", "ours", whole),
        ),
    )


def _parts(share: float) -> Case:
    seconds = 10 * share
    plain = [
        "agent=dqn",
        "agent.double=false",
        "agent.dueling=none",
        "memory.limit=5000",
        "train.warmup=1000",
    ]

    def learner(name: str, obs: str, train_interval: int, **more: Any) -> Side:
        precision = more.pop("precision", "float32")
        overrides = [
            *plain,
            *OBSERVED[obs],
            f"agent.train_interval={train_interval}",
            f"agent.precision={precision}",
        ]
        return Side(name, "learner", {"overrides": overrides, "seconds": seconds, **more})

    def whole(name: str, train_interval: int, steps: int) -> Side:
        arguments = {"overrides": _overrides("ram", train_interval), "start": START}
        return Side(name, "ours", {**arguments, "steps": _turns(steps * share)})

    return Case(
        "parts",
        "The parts alone, and the machine's limits",
        (
            Side("matmul", "matmul", {"seconds": seconds / 2}),
            Side("emulators_ram", "emulators", {"overrides": OBSERVED["ram"], "seconds": seconds}),
            Side(
                "emulators_pixel", "emulators", {"overrides": OBSERVED["pixel"], "seconds": seconds}
            ),
            learner("learner_ram_1_per_4", "ram", 4),
            learner("learner_ram_1_per_4_bfloat16", "ram", 4, precision="bfloat16"),
            learner("learner_ram_1_per_4_one_thread", "ram", 4, threads=1),
            learner("learner_ram_1_per_1", "ram", 1),
            learner("learner_ram_1_per_1_one_thread", "ram", 1, threads=1),
            learner("learner_nature_1_per_4", "pixel", 4),
            learner("learner_nature_1_per_4_bfloat16", "pixel", 4, precision="bfloat16"),
            whole("ram_1_per_4", 4, 32_000),
            whole("ram_1_per_1", 1, 14_400),
        ),
    )


def _replay(share: float) -> Case:
    def memory(of: str, obs: str, limit: int) -> Side:
        arguments = {"obs": obs, "limit": limit, "memory": of, "seconds": 5 * share}
        return Side(f"{of}_{obs}_{limit // 1000}k", "replay", arguments)

    def whole(limit: int) -> Side:
        overrides = [*_overrides("ram", 4), f"memory.limit={limit}"]
        arguments = {"overrides": overrides, "start": START, "steps": _turns(32_000 * share)}
        return Side(f"training_ram_{limit // 1000}k", "ours", {**arguments, "full": True})

    sizes = (10_000, 100_000, 1_000_000)
    return Case(
        "replay",
        "Replay memory, full: cost by size",
        (
            *(memory("ours", "ram", limit) for limit in sizes),
            *(memory("ours", "pixel", limit) for limit in sizes[:2]),
            *(memory("keras_rl2", "ram", limit) for limit in sizes),
            *(memory("keras_rl2", "pixel", limit) for limit in sizes[:2]),
            *(whole(limit) for limit in sizes),
        ),
    )


def _checkpoint() -> Case:
    def saved(obs: str, limit: int) -> Side:
        arguments = {"obs": obs, "limit": limit, "interval": 10_000}
        return Side(f"{obs}_{limit // 1000}k", "checkpoint", arguments)

    return Case(
        "checkpoint",
        "A checkpoint after 10,000 more steps, by size of the full replay memory",
        (
            *(saved("ram", limit) for limit in (10_000, 100_000, 1_000_000)),
            *(saved("pixel", limit) for limit in (10_000, 100_000, 1_000_000)),
        ),
        most_repeats=3,
    )


def _endurance(quick: bool) -> Case:
    # The memory is full before minute 2: resident memory should not grow after that.
    spans = ((10, 20), (40, 50), 50) if quick else ((60, 120), (1140, 1200), 1260)
    early, late, seconds = spans
    arguments = {
        "overrides": _overrides("ram", 4), "early": early, "late": late, "seconds": seconds,
    }  # fmt: skip
    return Case(
        "endurance",
        f"One RAM run of {seconds} s: seconds {early[0]}-{early[1]} and {late[0]}-{late[1]}",
        (Side("ours", "endurance", arguments),),
        most_repeats=1,
    )


def _startup() -> Case:
    return Case(
        "startup",
        "From the command to the first step and the first update (warm-up of 10,000 steps)",
        tuple(Side(obs, "startup", {"overrides": [f"obs={obs}"]}) for obs in ("ram", "pixel")),
    )
