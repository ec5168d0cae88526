"""Videos during training: of the correct games, without effect on training."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import av
import numpy as np
import pytest

from runner.callbacks.evaluations import Evaluations
from runner.callbacks.videos import TrainingVideos, make_videos
from runner.checkpoint.archive import read_archive, write_archive
from runner.environments.atari import AtariGame
from runner.environments.pool import EmulatorPool, game_seeds
from runner.overlays import with_own_overlay
from runner.settings import compose
from runner.settings.schema import Config
from runner.video.picture import LARGE
from runner.video.replay import Recording
from runner.video.studio import Studio, Video

SETTINGS = (
    "env=breakout",
    "agent=dqn",
    "train=smoke",
    "env.num_envs=4",
    "env.max_frames=120",
    "video.gif=false",
    "model.hidden=[16]",
    "agent.jit_compile=false",
    "eval.episodes=2",
    "memory.limit=3000",
)
OVERLAY = partial(with_own_overlay, compose.load([*SETTINGS]))
# Steps of the videos: evaluations at 200 and 400 with equal scores; 30-step games of the first of
# four environments, in the order of a turn.
FILMED = {"final": [200], "best": [200], "every_eval": [200, 400], "every_episode": [117, 237, 357]}


def config_of(mode: str) -> Config:
    return compose.load([*SETTINGS, f"video={mode}"])


def trained(folder: Path, modes: Iterable[str]) -> tuple[list[Any], dict[str, list[Video]]]:
    """Weights after a short training with two evaluations, and the reported videos by mode."""
    from runner import tensorflow_setup
    from runner.agent.build import build_agent
    from runner.agent.dqn import q_function
    from runner.evaluation import evaluate

    tensorflow_setup.set_up(0)
    config = config_of("off")
    filming = {mode: make_videos(config_of(mode), folder / mode, OVERLAY) for mode in modes}
    heard: dict[str, list[Video]] = {mode: [] for mode in modes}
    games = EmulatorPool(config.env, config.obs, 4, groups=2)
    try:
        agent = build_agent(config, games)
        games.reset(seed=game_seeds(config.seed, 4))
        values = q_function(agent.model, jit_compile=False)

        def hold(recording: Recording) -> None:
            weights = agent.model.get_weights()
            for mode, videos in filming.items():
                # Each overlay starts TensorFlow in another process: one mode is enough.
                shown = replace(recording, weights=weights) if mode == "final" else recording
                videos.hold(shown)

        evaluations = Evaluations(
            lambda: evaluate(values, config, seed=7, best_game=hold),
            folder / "evaluations.csv",
            folder / "best.weights.h5",
            interval=200,
        )
        for mode, videos in filming.items():
            videos.listeners.append(heard[mode].append)
            evaluations.listeners.append(videos.evaluated)
        agent.fit(games, 400, callbacks=[evaluations, *filming.values()], verbose=0)
        for videos in filming.values():
            videos.finish()
    finally:
        games.close()
    return agent.model.get_weights(), heard


@pytest.mark.slow
def test_recording_videos_does_not_change_training(tmp_path: Path) -> None:
    without, _ = trained(tmp_path, [])
    weights, videos = trained(tmp_path, FILMED)
    assert all(map(np.array_equal, weights, without))
    for mode, steps in FILMED.items():
        assert [video.step for video in videos[mode]] == steps
        for video in videos[mode]:
            assert video.mp4 is not None
            assert video.mp4.name == f"step_{video.step:08d}_score_{video.score:.0f}.mp4"
            with av.open(str(video.mp4)) as file:
                panel = file.streams.video[0].width - LARGE.width
                assert (panel > 0) == (mode == "final")
        assert len(list((tmp_path / mode).iterdir())) == len(steps)


def follow(
    listener: TrainingVideos, game: AtariGame, steps: int, random: Any, part: int = 0
) -> None:
    """Random play on the first emulator, reported to ``listener`` as the training loop does."""
    for step in range(steps):
        listener.set_model(SimpleNamespace(step=steps * part + step))
        action = int(random.integers(len(game.actions)))
        _, points, terminated, truncated, _ = game.step(action)
        info = {"stream": 0, "game_reward": points, "game_over": terminated or truncated}
        listener.on_step_end(0, {"action": action, "info": info})
        if terminated or truncated:
            game.reset()


@pytest.mark.slow
def test_a_resumed_training_records_the_same_videos(tmp_path: Path) -> None:
    config = config_of("every_episode")

    def fresh(folder: str) -> TrainingVideos:
        videos = make_videos(config, tmp_path / folder, OVERLAY)
        assert isinstance(videos, TrainingVideos)
        return videos

    whole, first, second = fresh("whole"), fresh("parts"), fresh("parts")
    game = AtariGame(config.env, config.obs)
    for listeners in ([whole], [first, second]):
        game.reset(seed=game_seeds(config.seed, 1)[0])
        random = np.random.default_rng(0)
        for part, listener in enumerate(listeners):
            if part:
                second.set_state(read_archive(tmp_path / "state.npz"))
            follow(listener, game, 100 // len(listeners), random, part)
            if listener is first:
                write_archive(tmp_path / "state.npz", first.get_state())
                first.on_train_end({"did_abort": True})
            else:
                listener.finish()
    for path in sorted((tmp_path / "whole").iterdir()):
        assert (tmp_path / "parts" / path.name).read_bytes() == path.read_bytes()
    assert len(list((tmp_path / "whole").iterdir())) == 3


@pytest.mark.parametrize("state", [None, {"waiting": []}])  # video=off, video=final
def test_a_resume_with_every_episode_after_another_option_records_no_wrong_games(
    state: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The start of the chain is lost: the emulators have played on since the seed."""
    config = config_of("every_episode")
    videos = make_videos(config, tmp_path, OVERLAY)
    assert isinstance(videos, TrainingVideos)
    if state is not None:
        videos.set_state(state)
    videos.set_model(SimpleNamespace(step=100))
    videos.on_train_begin()
    game = AtariGame(config.env, config.obs)
    game.reset(seed=game_seeds(config.seed, 1)[0])
    follow(videos, game, 40, np.random.default_rng(0))
    videos.finish()
    (line,) = capsys.readouterr().err.splitlines()
    assert line == "warning: video: no further games of this training are recorded"
    assert not list(tmp_path.iterdir())


def test_a_queue_is_restored_once(tmp_path: Path) -> None:
    """Restoring a second checkpoint, after the first one did not fit, replaces the queue."""
    videos = make_videos(config_of("best"), tmp_path, OVERLAY)
    assert videos is not None
    nothing = np.empty(0, np.int32)
    plain = {"start": 0, "before": nothing, "actions": nothing, "score": 0.0}
    for _ in range(2):
        videos.set_state({"waiting": [plain]})
    assert len(videos.get_state()["waiting"]) == 1


def test_an_interrupt_while_videos_are_written_ends_their_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a notebook, Python lives on."""
    videos = make_videos(config_of("best"), tmp_path, OVERLAY)
    assert videos is not None
    nothing = np.empty(0, np.int32)
    videos.film(Recording(config_of("best").env, 0, nothing, nothing, 0.0))
    process = videos._studio._process

    def interrupted(self: Studio, timeout: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Studio, "done", interrupted)
    with pytest.raises(KeyboardInterrupt):
        videos.finish()
    assert not process.is_alive()


def test_a_video_process_that_dies_causes_one_warning(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    config = config_of("every_episode")
    videos = make_videos(config, tmp_path, OVERLAY)
    assert isinstance(videos, TrainingVideos)
    game = AtariGame(config.env, config.obs)
    game.reset(seed=game_seeds(config.seed, 1)[0])

    def refused(self: Studio) -> Any:
        raise OSError("no more processes")

    monkeypatch.setattr(Studio, "_start", refused)
    follow(videos, game, 100, np.random.default_rng(0))
    videos.finish()
    error = capsys.readouterr().err
    assert "warning: video: " in error
    assert "no further games" in error
    assert len(error.splitlines()) == 2
