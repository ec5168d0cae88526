"""Medians, ratios and limits, and their table."""

import pytest

from benchmarks import limits, report
from benchmarks.__main__ import main
from benchmarks.cases import all_cases
from runner.settings import compose

# Round 2 ran on a machine half as fast: medians drift, ratios of neighbours do not.
ROUNDS = [
    {"ours": {"steps_per_s": 2000.0, "load": 0.1}, "sb3": {"steps_per_s": 1000.0, "load": 0.2}},
    {"ours": {"steps_per_s": 1000.0, "load": 0.1}, "sb3": {"steps_per_s": 400.0, "load": 0.2}},
    {"ours": {"steps_per_s": 3000.0, "load": 0.1}, "sb3": {"error": "exit code 1: no torch"}},
]


def test_the_summary_covers_all_answering_rounds():
    assert report.figures(ROUNDS, "ours") == {"steps_per_s": (2000.0, 1000.0, 3000.0, 3)}
    assert report.figures(ROUNDS, "sb3") == {"steps_per_s": (700.0, 400.0, 1000.0, 2)}
    assert report.figures(ROUNDS, "nobody") == {}


def test_ratio_is_the_median_of_per_round_ratios():
    rounds = [
        {"a": {"steps_per_s": a}, "b": {"steps_per_s": b}} for a, b in [(10, 5), (4, 1), (90, 30)]
    ]
    assert report.ratios(rounds, "a", "b") == (3.0, 2.0, 4.0, 3)  # medians: 10 / 5 = 2


@pytest.mark.parametrize(
    "rounds",
    [[], [{"a": {"steps_per_s": 1.0}}], [{"a": {"steps_per_s": 1.0}, "b": {"steps_per_s": 0.0}}]],
    ids=["no round", "one side", "zero"],
)
def test_a_ratio_needs_a_pair(rounds):
    assert report.ratios(rounds, "a", "b") is None


def test_the_table_of_peers():
    assert report.table(ROUNDS, peers=True).splitlines() == [
        "| side | figure | median | min - max | rounds | ours / this, pair by pair |",
        "| --- | --- | --: | --: | --: | --: |",
        "| ours | steps/s | 2,000 | 1,000 - 3,000 | 3 |  |",
        "| sb3 | steps/s | 700 | 400 - 1,000 | 2 | **2.25** (2.00 - 2.50) |",
        "",
        "Failed:",
        "",
        "- round 3, sb3: exit code 1: no torch",
    ]


def test_the_table_of_parts_has_no_ratio():
    rounds = [{"learner": {"ms_per_update": 0.88}, "matmul": {"float32_gflop_per_s": 220.4}}]
    assert report.table(rounds, peers=False).splitlines()[2:] == [
        "| learner | ms/update | 0.88 | 0.88 - 0.88 | 1 |",
        "| matmul | float32 gflop/s | 220 | 220 - 220 | 1 |",
    ]


def test_an_empty_table():
    assert len(report.table([], peers=True).splitlines()) == 2


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (0.08912, "0.0891"), (56.74, "56.7"), (99.96, "100"), (2631.4, "2,631")],
)
def test_rounded(value, text):
    assert report.rounded(value) == text


def test_document_names_machine_versions_and_cases():
    machine = {
        "cpu": "A CPU", "cpu_ids": "model 1", "cores": 2, "features": ["avx2"], "memory_gb": 24.0,
        "system": "Linux", "python": "3.11.7", "versions": {"tensorflow": "2.21.0"},
        "sb3_versions": {"torch": "2.13.0"},
    }  # fmt: skip
    case = {
        "name": "ram", "title": "RAM", "peers": True, "date": "2026-11-20", "commit": "abc",
        "rounds": ROUNDS,
    }  # fmt: skip
    document = report.document({"machine": machine, "cases": {"ram": case}})
    for text in ("A CPU", "avx2", "tensorflow 2.21.0", "torch 2.13.0", "## RAM", "**2.25**"):
        assert text in document
    assert "load average 0.1 - 0.2" in document


def test_the_bound_combines_both_limits():
    # 2 cores; emulators: 4 core-s per 10,000 steps; learner 1 core-s per 10,000 steps.
    assert limits.steps_bound(2, 5000.0, 0.0001) == pytest.approx(4000.0)


def test_limits_of_a_benchmark_round():
    found = limits.limits(
        {
            "matmul": {"float32_gflop_per_s": 218.0},
            "learner_nature_1_per_4": {"ms_per_update": 20.0},
            "emulators_ram": {"steps_per_s": 5000.0},
            "learner_ram_1_per_4_one_thread": {"ms_per_update": 0.4},
            "ram_1_per_4": {"steps_per_s": 3000.0},
            "learner_nature_1_per_4_bfloat16": {"error": "failed"},
        },
        cores=2,
    )
    assert found == pytest.approx(
        {
            "nature_float32_percent_of_matmul": 50.0,
            "ram_1_per_4_bound_steps_per_s": 4000.0,
            "ram_1_per_4_percent_of_bound": 75.0,
        }
    )


@pytest.mark.parametrize("case", all_cases(), ids=lambda case: case.name)
def test_the_settings_of_every_case_are_valid(case):
    for side in case.sides:
        if "overrides" in side.arguments:
            compose.load(side.arguments["overrides"])


@pytest.mark.parametrize(
    "typed", [["--only", "ram"], ["--only", "startup", "--sb3-python", "no/such/python"]]
)
def test_invalid_arguments_are_refused_in_one_line(typed, tmp_path, capsys):
    assert main([*typed, "--out", str(tmp_path / "out")]) == 2
    assert capsys.readouterr().out.startswith(f"error: {typed[-2]} {typed[-1]}: expected")
    assert not (tmp_path / "out").exists()
