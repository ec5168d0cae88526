"""Output for TensorBoard, W&B and MLflow: correct, complete, no effect on training."""

from __future__ import annotations

import contextlib
import csv
import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from checkpoint.runs import SMALL, assert_same_run

from runner.__main__ import main
from runner.errors import UserError

SETTINGS = (
    *SMALL, "env.num_envs=4", "env.max_frames=120", "train.steps=300",
    "eval.interval=150",
    "logger.summary_interval=50", "seed=3",
)  # fmt: skip


def run(*arguments: str) -> None:
    before, sys.argv = sys.argv, ["runner", *arguments]  # Hydra reads it
    try:
        assert main(list(arguments)) == 0
    finally:
        sys.argv = before


def events(folder: Path) -> Iterator[Any]:
    import tensorflow as tf

    for path in sorted((folder / "tensorboard").iterdir()):
        yield from tf.compat.v1.train.summary_iterator(str(path))


def values(folder: Path) -> dict[str, list[tuple[int, Any]]]:
    """Tag -> (step, value) of everything in a run's event files."""
    found: dict[str, list[tuple[int, Any]]] = {}
    for event in events(folder):
        for value in event.summary.value:
            kept = value.simple_value if value.HasField("simple_value") else value
            found.setdefault(value.tag, []).append((event.step, kept))
    return found


@pytest.fixture(scope="module")
def logged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A complete run, and the same run without loggers."""
    top = tmp_path_factory.mktemp("figures")
    on = ("logger.tensorboard=true", "logger.verbose=2")
    run(*SETTINGS, *on, f"hydra.run.dir={top / 'whole'}")
    run(*SETTINGS, "logger.verbose=0", f"hydra.run.dir={top / 'without'}")
    return top


def table(path: Path) -> list[dict[str, float]]:
    with path.open(newline="") as file:
        return [{k: float(v) for k, v in row.items()} for row in csv.DictReader(file)]


def test_logged_scalars_match_the_files(logged: Path) -> None:
    found, games = values(logged / "whole"), table(logged / "whole" / "metrics.csv")
    assert len(games) >= 4
    assert found["score"] == [(g["step"], g["episode_return"]) for g in games]
    assert found["episode_steps"] == [(g["step"], g["episode_length"]) for g in games]
    evaluated = table(logged / "whole" / "evaluations.csv")
    assert found["eval/mean"] == [(e["step"], e["mean"]) for e in evaluated]
    assert found["eval/variance"] == [(e["step"], pytest.approx(e["std"] ** 2)) for e in evaluated]
    assert len(evaluated) >= 2
    regular = [50, 100, 150, 200, 250, 300]
    assert [step for step, _ in found["epsilon"]] == regular
    # Each epsilon is that of the step's last action: it falls from 1 to 0.05 over 1,000 steps.
    for step, epsilon in found["epsilon"]:
        assert epsilon == pytest.approx(1 - 0.95 * step / 1000, abs=0.01)
    assert [step for step, _ in found["loss"]] == regular[1:]  # the first is in the warm-up
    assert all(value > 0 for _, value in found["steps_per_second"])


def test_histograms_count_everything_once(logged: Path) -> None:
    found = values(logged / "whole")
    actions = [value.histo for _, value in found["actions"]]
    assert [histogram.num for histogram in actions] == [50] * 6
    for histogram in actions:
        assert sum(histogram.bucket) == 50
        assert (histogram.min, histogram.max) == (0, 3)
        assert len(histogram.bucket) == 4  # one for each action
    games = table(logged / "whole" / "metrics.csv")
    scores = [value.histo for _, value in found["scores"]]
    assert sum(histogram.num for histogram in scores) == len(games)
    assert sum(histogram.sum for histogram in scores) == sum(g["episode_return"] for g in games)


def test_loggers_do_not_change_training(logged: Path) -> None:
    assert_same_run(logged / "without", logged / "whole")
    assert not (logged / "without" / "tensorboard").exists()


def test_a_resumed_run_logs_every_step_once(logged: Path) -> None:
    """The newest checkpoint is lost: the run resumes before the last logged step."""
    parts = logged / "parts"
    shutil.copytree(logged / "whole", parts)
    newest = max(int(p.name.split("_")[1].split(".")[0]) for p in parts.glob("checkpoints/step_*"))
    for path in parts.glob(f"checkpoints/step_{newest:012d}.*"):
        path.unlink()
    (parts / "result.json").unlink()
    run(f"resume={parts}")
    again, whole = values(parts), values(logged / "whole")
    counts = Counter((tag, step) for tag, pairs in again.items() for step, _ in pairs)
    several = {tag for (tag, _), count in counts.items() if count > 1}
    assert not several
    assert len(list((parts / "tensorboard").iterdir())) == 2
    starts = [e.step for e in events(parts) if e.HasField("session_log")]
    assert len(starts) == 1
    assert starts[0] < newest
    for tag in whole.keys() - {"steps_per_second"}:
        assert again[tag] == whole[tag], tag


def test_loggers_may_be_enabled_at_resume(logged: Path) -> None:
    run(f"resume={logged / 'without'}", "train.steps=420", "logger.tensorboard=true",
        "logger.verbose=2", "eval.interval=0")  # fmt: skip
    found, games = values(logged / "without"), table(logged / "without" / "metrics.csv")
    late = [(g["step"], g["episode_return"]) for g in games if g["step"] > 300]
    assert late
    assert [pair for pair in found["score"] if pair[0] > 300] == late


@pytest.mark.needs("tensorboard")
def test_tensorboard_reads_the_event_files(logged: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    accumulator = EventAccumulator(str(logged / "whole" / "tensorboard"))
    accumulator.Reload()
    games = table(logged / "whole" / "metrics.csv")
    scores = [(e.step, e.value) for e in accumulator.Scalars("score")]
    assert scores == [(g["step"], g["episode_return"]) for g in games]
    assert {"actions", "scores", "eval/scores"} <= set(accumulator.Tags()["histograms"])


GIF = b"GIF89a" + struct.pack("<HH", 160, 210) + b"\0" * 20


def test_a_video_is_embedded(tmp_path: Path) -> None:
    from runner.callbacks.sinks.tensorboard import TensorBoard

    (tmp_path / "best.gif").write_bytes(GIF)
    with closing(TensorBoard(tmp_path / "tensorboard")) as sink:
        sink.video(7, "video", tmp_path / "best.gif")
    ((step, value),) = values(tmp_path)["video"]
    assert (step, value.image.width, value.image.height) == (7, 160, 210)
    assert value.image.encoded_image_string == GIF


def test_many_values_share_buckets(tmp_path: Path) -> None:
    from runner.callbacks.sinks.tensorboard import MOST_BUCKETS, TensorBoard

    with closing(TensorBoard(tmp_path / "tensorboard")) as sink:
        sink.histogram(1, "scores", np.arange(1000.0))
    ((_, value),) = values(tmp_path)["scores"]
    assert len(value.histo.bucket) == len(value.histo.bucket_limit) == MOST_BUCKETS
    assert (sum(value.histo.bucket), value.histo.sum) == (1000, 499500)


@pytest.mark.parametrize("name", ["wandb", "mlflow"])
def test_missing_packages_are_reported_early(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(sys.modules, name, None)  # as if it were missing
    assert main([f"logger={name}"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert f"logger.{name}=true" in line
    assert f"pip install -r requirements-{name}.txt" in line
    assert list(tmp_path.iterdir()) == []


def feed(sink: Any) -> None:
    sink.scalars(10, {"score": 3.0, "eval/mean": 1.5})
    sink.histogram(10, "actions", np.array([0, 1, 1]))
    sink.scalars(20, {"score": 4.0})
    sink.flush()


@pytest.mark.needs("mlflow")
def test_mlflow_keeps_each_step_once(tmp_path: Path) -> None:
    import mlflow

    from runner.callbacks.sinks.mlflow import MLflow

    uri = f"sqlite:///{tmp_path}/mlflow.db"
    with closing(MLflow(uri, "run", {"agent.gamma": 0.9})) as first:
        feed(first)
        state = first.get_state()
    with closing(MLflow(uri, "run", {})) as second:
        second.set_state(state, 10)
        feed(second)  # step 20 was logged before the resume
        second.scalars(30, {"score": 5.0})
    client = mlflow.MlflowClient(tracking_uri=uri)
    history = client.get_metric_history(state["id"], "score")
    assert [(m.step, m.value) for m in history] == [(10, 3.0), (20, 4.0), (30, 5.0)]
    kept = client.get_run(state["id"])
    assert (kept.info.status, kept.data.params) == ("FINISHED", {"agent.gamma": "0.9"})


@pytest.mark.needs("mlflow")
def test_an_unusable_mlflow_server_is_reported_in_one_line(tmp_path: Path) -> None:
    from runner.callbacks.sinks.mlflow import MLflow

    with closing(MLflow("foo://bar", "run", {})) as sink:
        sink.scalars(10, {"score": 3.0})
        with pytest.raises(UserError, match=r"logger\.mlflow_uri=foo://bar: cannot"):
            sink.flush()
    sink = MLflow(f"sqlite:///{tmp_path}/mlflow.db", "run", {})  # a new database
    with pytest.raises(UserError, match="cannot reach"):
        sink.set_state({"id": "0" * 32}, 10)


@pytest.fixture
def mlflow_server(tmp_path: Path) -> Iterator[Any]:
    """Starts and stops a real server, always on the same port."""
    with contextlib.closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    uri, servers = f"http://127.0.0.1:{port}", []

    def stop() -> None:
        for server in servers:
            os.killpg(server.pid, signal.SIGKILL)
            server.wait()
        servers.clear()

    def start() -> str:
        database, files = f"sqlite:///{tmp_path}/server.db", str(tmp_path / "files")
        command = [
            sys.executable, "-m", "mlflow", "server", "--port", str(port), "--workers", "1",
            "--backend-store-uri", database, "--artifacts-destination", files,
        ]  # fmt: skip
        servers.append(
            subprocess.Popen(
                command,
                start_new_session=True,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
        )
        until = time.monotonic() + 120
        while True:
            with contextlib.suppress(OSError), urllib.request.urlopen(f"{uri}/health"):
                return uri
            assert time.monotonic() < until
            time.sleep(0.2)

    yield SimpleNamespace(start=start, stop=stop)
    stop()


@pytest.mark.slow
@pytest.mark.needs("mlflow")
def test_an_mlflow_server_that_is_away_for_a_while_loses_nothing(
    mlflow_server: Any, tmp_path: Path, capfd: Any
) -> None:
    import mlflow

    from runner.callbacks.sinks.mlflow import MLflow

    uri = mlflow_server.start()
    (tmp_path / "game.gif").touch()
    with closing(MLflow(uri, "run", {})) as sink:
        feed(sink)
        mlflow_server.stop()
        for step in range(30, 30 + 1200):
            sink.scalars(step, {"score": step})
        sink.flush()
        sink.video(1229, "video", tmp_path / "game.gif")
        name = sink.get_state()["id"]
        mlflow_server.start()
    history = mlflow.MlflowClient(tracking_uri=uri).get_metric_history(name, "score")
    assert [m.step for m in history] == [10, 20, *range(30, 1230)]
    warnings = [line for line in capfd.readouterr().err.splitlines() if "logger.mlflow" in line]
    assert "metrics will be sent later" in warnings[0]
    assert "game.gif is only in the run directory" in warnings[-1]
    assert len(warnings) == 2


@pytest.mark.needs("wandb")
def test_offline_wandb_data_stays_in_the_run_directory(tmp_path: Path) -> None:
    from runner.callbacks.sinks.weights_and_biases import WeightsAndBiases

    with closing(WeightsAndBiases(tmp_path, "project", "offline", {"seed": 1})) as sink:
        feed(sink)
        name = sink.get_state()["id"]
    (file,) = tmp_path.glob(f"wandb/offline-run-*-{name}/*.wandb")
    parts = (b"score", b"eval/mean", b"actions", b"histogram")
    until = time.monotonic() + 20
    while not all(part in file.read_bytes() for part in parts):
        assert time.monotonic() < until
        time.sleep(0.1)  # a separate process writes
