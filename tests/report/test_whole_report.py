"""The report of runs in every state, as files and from the command."""

from __future__ import annotations

import csv
import html.parser
import json
import os
import re
import struct
from pathlib import Path

import pytest
from made_runs import make_run
from page_figures import assert_shown, in_summary

from runner import compare


class Page(html.parser.HTMLParser):
    """A page's text, its figures, and the addresses that it would load."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.figures: dict[tuple[str, str, str, str], str] = {}
        self.addresses: list[str] = []
        self.tags: list[str] = []
        self.text = ""
        self._cell: tuple[str, str, str] | None = None
        self._column: str | None = None
        self.source = path.read_text()
        self.feed(self.source)

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        self.tags.append(tag)
        self.addresses += [given[name] for name in ("src", "href", "data") if given.get(name)]
        if "data-measure" in given:
            self._cell = given["data-game"], given["data-side"], given["data-measure"]
        self._column = given.get("data-column")

    def handle_data(self, data):
        self.text += data
        if self._column is not None:
            self.figures[(*self._cell, self._column)] = data
            self._column = None


@pytest.fixture
def report(tmp_path, capsys):
    """Calls the command on ``tmp_path``; returns the page."""

    def call(*arguments: str) -> Page:
        code = compare.main([str(tmp_path), f"out={tmp_path / 'report'}", *arguments])
        assert code == 0, capsys.readouterr().err
        return Page(tmp_path / "report" / "report.html")

    return call


def test_the_page_and_the_summary_have_the_same_figures(swept):
    page, numbers = Page(swept / "report.html"), in_summary(swept)
    assert len(numbers) > 100
    assert set(page.figures) == set(numbers)
    for name, number in numbers.items():
        assert_shown(page.figures[name], number)


def test_the_page_is_self_contained(swept):
    page = Page(swept / "report.html")
    outside = [a for a in page.addresses if not a.startswith(("#", "data:"))]
    assert outside == []
    assert "script" not in page.tags
    pictures = sorted(path.name for path in swept.glob("*.png"))
    axes = ("frames", "steps", "time")
    games = ("breakout", "space_invaders")
    training = [f"training_{game}_{axis}.png" for game in games for axis in axes]
    assert pictures == sorted([*training, *(f"scores_{game}.png" for game in games)])
    for path in swept.glob("*.png"):
        assert path.read_bytes().startswith(b"\x89PNG")


def test_the_same_runs_make_the_same_page(tmp_path, report):
    for seed in range(3):
        make_run(tmp_path / str(seed), f"seed={seed}", points=range(20), score=seed)
    report()
    first = (tmp_path / "report" / "report.html").read_bytes()
    report()
    assert (tmp_path / "report" / "report.html").read_bytes() == first


def test_two_sides_get_a_sentence(tmp_path, report):
    for obs, base in (("ram", 10), ("pixel", 20)):
        for seed in range(5):
            make_run(
                tmp_path / f"{obs}{seed}", "env=breakout", f"obs={obs}", f"seed={seed}",
                "train.steps=1000", score=base + seed,
            )  # fmt: skip
    page = report()
    assert (
        "breakout: obs=ram scores 12.0, obs=pixel 22.0 (IQM); the difference is -10.0" in page.text
    )
    assert "obs=pixel is ahead, by more than seed variation explains" in page.text
    assert page.figures["breakout", "obs=ram against obs=pixel", "better", "value"] == "0.00"
    assert "Read with care" not in page.text


def test_runs_are_listed_in_the_order_of_their_seeds(tmp_path, report):
    for seed in (2, 10, 1):
        make_run(tmp_path / f"run{seed}", f"seed={seed}", score=5)
    assert re.findall(r"<code>run(\d+)</code>", report().source) == ["1", "2", "10"]


def test_interrupted_runs_are_named_and_excluded(tmp_path, report):
    make_run(tmp_path / "a", "seed=0", "train.steps=1000", points=[1] * 20, score=5)
    make_run(tmp_path / "b", "seed=1", "train.steps=1000", points=[1] * 20, steps=400)
    page = report()
    assert page.figures["space_invaders", "all runs", "runs", "value"] == "1"
    assert page.figures["space_invaders", "all runs", "unfinished", "value"] == "1"
    assert page.figures["space_invaders", "all runs", "mean", "value"] == "5.00"
    assert "not finished: interrupted or still running, step 400 of 1,000" in page.text


def test_a_failed_run_is_named_with_its_error(tmp_path, report):
    make_run(tmp_path / "a", "seed=0", score=5)
    folder = make_run(tmp_path / "b", "seed=1", steps=400)
    job = {"state": "failed", "reason": "the loss is not a number at step 396"}
    (folder / "job.json").write_text(json.dumps(job))
    (tmp_path / "c").mkdir()  # failed before its settings were written
    (tmp_path / "c" / "job.json").write_text(json.dumps({"state": "failed", "reason": "no ROM"}))
    page = report()
    assert "failed: the loss is not a number at step 396" in page.text
    assert "failed: no ROM" in page.text


def test_halfway_only_curves_exist(tmp_path, report):
    make_run(tmp_path / "a", "obs=ram", points=[1] * 20)
    make_run(tmp_path / "b", "obs=pixel")
    page = report()
    assert "No two sides have finished runs of the same game yet." in page.text
    assert "No run has finished yet." in page.text
    assert (tmp_path / "report" / "training_space_invaders_steps.png").exists()


def test_one_seed_has_no_interval(tmp_path, report):
    for obs in ("ram", "pixel"):
        make_run(tmp_path / obs, f"obs={obs}", points=[1] * 20, score=5)
    page = report()
    assert ("space_invaders", "obs=ram", "iqm", "value") in page.figures
    assert ("space_invaders", "obs=ram", "iqm", "low") not in page.figures
    assert "A single run per side says nothing about chance." in page.text


def test_different_protocols_cause_a_warning(tmp_path, report):
    make_run(tmp_path / "a", "env.protocol=v5", score=5)
    make_run(tmp_path / "b", "env.protocol=nature", score=9)
    page = report()
    assert (
        "Protocols differ: space_invaders, env.repeat_action_probability: protocol=nature: 0; "
        in page.text
    )
    assert "protocol=v5: 0.25. Such scores are not comparable." in page.text


@pytest.mark.parametrize(("ends", "warned"), [("steps=2000", True), ("minutes=15", False)])
def test_different_lengths_cause_a_warning_unless_times_are_equal(tmp_path, report, ends, warned):
    for obs, steps in (("ram", 2000), ("pixel", 1500)):
        make_run(tmp_path / obs, f"obs={obs}", f"train.{ends}", score=1, steps=steps)
    assert ("different lengths in steps" in report().text) == warned


def test_evaluations_by_other_rules_cause_a_warning_within_a_side(tmp_path, report):
    make_run(tmp_path / "a", "seed=0", "eval.epsilon=0.01", score=5)
    make_run(tmp_path / "b", "seed=1", "eval.epsilon=0.05", score=5)
    assert "eval.epsilon: all runs: 0.01, 0.05." in report().text


def test_a_broken_run_is_named_and_the_others_are_compared(tmp_path, report):
    make_run(tmp_path / "a", score=5)
    (make_run(tmp_path / "b", "seed=1") / "config.yaml").write_text("a: [")
    (make_run(tmp_path / "c", "seed=2") / "result.json").write_text("{}")
    page = report()
    assert page.figures["space_invaders", "all runs", "runs", "value"] == "1"
    assert "its config.yaml cannot be read" in page.text
    assert "its result.json cannot be read" in page.text


def test_names_are_escaped(tmp_path, report):
    run = make_run(tmp_path / "a <script>alert(1)</script> &", score=5)
    text = (run / "config.yaml").read_text()
    (run / "config.yaml").write_text(text.replace("activation: relu", "activation: <script>$x$"))
    make_run(tmp_path / "b", score=6)
    page = report()
    assert "script" not in page.tags
    assert "activation=<script>$x$" in page.text


def test_time_to_a_target_score(tmp_path, report):
    make_run(tmp_path / "a", points=[0] * 10 + [10] * 30, score=10, seconds=240)
    name = "space_invaders", "this run", "seconds_to_score", "value"
    assert report("score=5").figures[name] == "2.0 min"
    assert report("score=99").figures["space_invaders", "this run", "reached_score", "value"] == "0"


def test_the_best_game_of_each_side_is_shown(tmp_path, report):
    for obs, points in (("ram", 3), ("pixel", 7)):
        videos = make_run(tmp_path / obs, f"obs={obs}", score=5) / "videos"
        videos.mkdir()
        (videos / f"step_00000900_score_{points - 2}.mp4").write_bytes(b"worse")
        (videos / f"step_00000500_score_{points}.gif").write_bytes(b"small")
        with (videos / f"step_00000500_score_{points}.mp4").open("wb") as file:
            file.truncate(5_000_000 if obs == "ram" else 100)
    page = report()
    films = [a for a in page.addresses if a.startswith("data:video") or a.endswith(".mp4")]
    assert films[0].startswith("data:video/mp4;base64,AAAA")
    assert films[1] == "../ram/videos/step_00000500_score_3.mp4"
    assert "obs=pixel, seed 0: step 500 score 7" in page.text


def edited(run: Path, **values: str) -> Path:
    """Changes settings whose last name is unique."""
    config = run / "config.yaml"
    text = config.read_text()
    for name, value in values.items():
        text = re.sub(rf"^( *{name}:).*$", lambda m, v=value: f"{m[1]} {v}", text, flags=re.M)
    config.write_text(text)
    return run


@pytest.mark.filterwarnings("error")
def test_long_values_are_replaced_by_letters_and_a_table(tmp_path, report):
    for name, value in (
        ("a", "x" * 2000),
        ("b", "[" + "28, " * 36 + "0]"),
        ("c", "\u6f22$_{\u202e"),
    ):
        run = make_run(tmp_path / name, "env=pong", points=[1] * 20, score=5)
        edited(run, activation=f"'{value}'")
    make_run(tmp_path / "d", "env=breakout", points=[1] * 20, score=5)
    page = report()
    assert {name[1] for name in page.figures if "against" not in name[1]} == {*"ABCD"}
    assert page.text.count("x" * 2000) == 1
    assert all(len(line) < 600 for line in page.text.splitlines() if "x" * 2000 not in line)
    legends = re.findall(r'class="legend".*?</ul>', page.source)
    assert [re.findall(r"</svg>(.*?)</li>", each) for each in legends] == [["B"], ["A", "C", "D"]]
    for name in ("training_pong_steps.png", "scores_pong.png"):
        width, height = struct.unpack(">II", (tmp_path / "report" / name).read_bytes()[16:24])
        assert (width, height < 750) == (750, True)


@pytest.mark.parametrize(
    ("file", "content", "named"),
    [
        ("result.json", '{"steps": Infinity, "evaluation": {"mean": 1}}', "steps=inf"),
        ("result.json", '{"steps": 1, "evaluation": {"mean": NaN}}', "evaluation.mean=nan"),
        ("result.json", f'{{"steps": 1{"0" * 400}, "evaluation": {{"mean": 1}}}}', "steps=1000"),
        ("result.json", '{"steps": 1, "evaluation": []}', "result.json cannot be read"),
        ("result.json", '{"steps": 1, "frames": "many", "evaluation": {"mean": 1}}', "frames"),
        ("result.json", '{"steps": true, "evaluation": {"mean": 1}}', "steps: expected a number"),
        ("result.json", "[" * 100_000, "result.json cannot be read"),
        ("result.json", "\xff\0", "result.json cannot be read"),
        ("config.yaml", "", "config.yaml"),
        ("config.yaml", "env: {game: [1]}", "names no game: [1]"),
        ("config.yaml", "env: {game: '=cmd|1'}", "names no game: =cmd|1"),
        ("config.yaml", "env: {game: pong}\nseed: {a: [1]}\ntrain: 3", "not finished"),
        ("config.yaml", "env: {game: pong}\nseed: ${oc.env:HOME}", "${oc.env:HOME}"),
        ("metrics.csv", "step\0,\nx" + "9" * 200_000, "field larger than"),
        (
            "metrics.csv",
            "step,frames,wall_time,episode_return\ninf,1,1,1\n1e300,1,1,1",
            "interrupted",
        ),
        ("evaluations.csv", "step,mean\nnan,nan\n1", "interrupted"),
        ("job.json", '{"reason": {"a": [1]}}', "failed: {'a': [1]}"),
        ("job.json", '{"reason": "' + "long " * 1000 + '"}', "failed: long"),
    ],
)
@pytest.mark.filterwarnings("error")
def test_one_bad_run_is_named_and_the_rest_reported(tmp_path, report, file, content, named):
    for seed in range(2):
        make_run(tmp_path / f"good{seed}", f"seed={seed}", points=[1] * 20, score=5)
    bad = make_run(tmp_path / "bad", "seed=2", points=[1] * 20)
    (bad / file).write_text(content, encoding="latin-1")
    page = report()
    figures = [f for name, f in page.figures.items() if name[2:] == ("mean", "value")]
    assert "5.00" in figures
    assert named in page.text
    assert len(page.text) < 30_000


def test_unreadable_files_are_named(tmp_path, report):
    for seed in range(2):
        make_run(tmp_path / f"good{seed}", f"seed={seed}", points=[1] * 20, score=5)
    for place, file in enumerate(("config.yaml", "result.json", "metrics.csv")):
        bad = make_run(tmp_path / f"bad{place}", f"seed={place + 2}")
        (bad / file).unlink(missing_ok=True)
        os.mkfifo(bad / file)  # without a writer, opening it would block forever
    page = report()
    assert "no config.yaml" in page.text
    assert page.figures["space_invaders", "all runs", "runs", "value"] == "2"


def test_csv_text_is_never_a_formula(tmp_path, report):
    for name, value in (
        ("a", "=cmd|' /C calc'!A0"),
        ("b", "@SUM(1)"),
        ("c", "-1+2"),
        ("d", "\t=1"),
    ):
        edited(make_run(tmp_path / name, score=5, points=[1] * 20), activation=json.dumps(value))
    report()
    for path in (tmp_path / "report").glob("*.csv"):
        with path.open(newline="") as file:
            for row in csv.reader(file):
                for cell in row:
                    assert cell[:1] not in tuple("=+@\t\r"), cell
                    assert cell[:1] != "-" or float(cell), cell


def test_identical_runs_are_reported_as_identical(tmp_path, report):
    for seed in range(3):
        make_run(tmp_path / str(seed), f"seed={seed}", score=5)
    assert "5.00 to 5.00, identical runs" in report().text


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "compare: no folder given; expected python -m runner.compare DIR"),
        (["missing"], "compare=missing: expected a folder with runs (no such folder)"),
        (["."], "compare=.: expected a folder with runs (no config.yaml below it)"),
        (["scor=3"], "scor=3: no such folder or setting; expected python -m runner.compare DIR"),
        ([".", "score=high"], "score=high: expected a number"),
        ([".", "score=nan"], "score=nan: expected a number of points"),
    ],
)
def test_bad_input_is_one_line(tmp_path, monkeypatch, capsys, arguments, said):
    monkeypatch.chdir(tmp_path)
    assert compare.main(arguments) == 2
    err = capsys.readouterr().err
    assert err.startswith(f"error: {said}")
    assert err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_an_unwritable_report_is_refused(tmp_path, capsys):
    file = make_run(tmp_path / "a") / "config.yaml"
    assert compare.main([str(tmp_path), f"out={file}"]) == 2
    assert f"error: out={file}: expected a folder that can be" in capsys.readouterr().err
