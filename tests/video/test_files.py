"""Videos, decoded frame by frame and compared with the emulator's screens."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import av
import cv2
import numpy as np
import pytest

from runner.environments.atari import AtariGame
from runner.video import files
from runner.video.files import write_videos
from runner.video.picture import LARGE, SMALL
from runner.video.replay import Recording, Replay, _FilmedGame, survey
from runner.video.studio import film

Image = np.ndarray[Any, Any]


class Played(NamedTuple):
    recording: Recording
    screens: list[Image]  # RGB, after every step
    scores: list[float]


def play(config: Any, seed: int, games_before: int = 0) -> Played:
    """Plays a random game on an emulator that has played ``games_before`` others."""
    game = AtariGame(config.env, config.obs)
    game.reset(seed=seed)
    random = np.random.default_rng(seed)
    before: list[int] = []
    for _ in range(games_before + 1):
        actions, screens, scores, over = [], [], [], False
        while not over:
            actions.append(int(random.integers(len(game.actions))))
            _, points, terminated, truncated, _ = game.step(actions[-1])
            screens.append(game.render())
            scores.append((scores or [0.0])[-1] + points)
            over = terminated or truncated
        before += actions
        game.reset()
    before = before[: -len(actions)]
    numbers = (np.array(before, np.int32), np.array(actions, np.int32))
    return Played(Recording(config.env, seed, *numbers, scores[-1], 500_000), screens, scores)


@pytest.fixture(scope="module")
def played(load: Any) -> Played:
    config = load("env=space_invaders", "env.max_frames=600")
    return play(config, seed=3, games_before=1)


def decoded(path: Path) -> tuple[list[Image], list[float]]:
    """RGB pictures of a file, and the time of each in seconds."""
    with av.open(str(path)) as file:
        frames = [(f.to_ndarray(format="rgb24"), float(f.time)) for f in file.decode(video=0)]
    return [frame for frame, _ in frames], [second for _, second in frames]


def written(
    recording: Recording,
    *,
    mp4: Path | None = None,
    gif: Path | None = None,
    megabytes: float = 3.0,
) -> tuple[Replay, list[float]]:
    """The replay that these files show, and the reported shares of progress."""
    shares: list[float] = []
    return write_videos(recording, mp4, gif, megabytes, shares.append), shares


def test_videos_keep_the_frames_of_one_step(
    played: Played, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Keeping the frames of earlier games on the emulator would take gigabytes."""
    held = []

    class Watched(_FilmedGame):
        def step(self, action: int) -> Any:
            outcome = super().step(action)
            held.append(len(self.frames))
            return outcome

    monkeypatch.setattr("runner.video.replay._FilmedGame", Watched)
    assert len(played.recording.before) > 0
    survey(played.recording)
    assert len(held) == len(played.recording.before) + len(played.recording.actions)
    assert max(held) == 4


def difference(film: Image, screen: Image) -> float:
    """Mean distance of colours, 0 to 255."""
    below = film[-(film.shape[0] * LARGE.height // (LARGE.height + LARGE.strip)) :]
    small = cv2.resize(below, screen.shape[1::-1], interpolation=cv2.INTER_AREA)
    return float(np.abs(small.astype(float) - screen).mean())


def test_mp4(played: Played, tmp_path: Path) -> None:
    path = tmp_path / "game.mp4"
    _, shares = written(played.recording, mp4=path)
    assert shares == sorted(shares)
    assert (shares[0], len(shares)) == (0.0, 10)  # once per second of the game
    frames, seconds = decoded(path)
    with av.open(str(path)) as file:
        stream = file.streams.video[0]
        assert (stream.codec_context.name, stream.codec_context.pix_fmt) == ("h264", "yuv420p")
        assert stream.average_rate == 60
    assert len(frames) == 4 * len(played.screens)  # every frame of the emulator
    assert seconds[-1] == pytest.approx((len(frames) - 1) / 60, abs=1e-3)
    assert frames[0].shape == (LARGE.height + LARGE.strip, LARGE.width, 3)
    # a step's last frame shows the screen after it, neither mirrored nor upside down
    for step in (0, 50, len(played.screens) - 1):
        film, screen = frames[4 * step + 3], played.screens[step]
        assert difference(film, screen) < 4
        assert difference(film, screen[:, ::-1]) > 2 * difference(film, screen)
        assert difference(film, screen[::-1]) > 2 * difference(film, screen)
    strips = [frames[4 * step + 3][: LARGE.strip].astype(int) for step in range(len(played.scores))]
    changed = int(np.argmax(np.array(played.scores) > 0))
    assert strips[0].max() > 200  # white on black
    assert np.abs(strips[changed - 1] - strips[0]).max() < 100
    assert np.abs(strips[changed] - strips[changed - 1]).max() > 150


def test_gif(played: Played, tmp_path: Path) -> None:
    path = tmp_path / "game.gif"
    replay, _ = written(played.recording, gif=path)
    assert path.stat().st_size <= 3e6
    frames, seconds = decoded(path)
    np.testing.assert_allclose(seconds, np.arange(len(frames)) / 20, atol=0.006)  # real speed
    assert len(frames) == -(-4 * len(played.screens) // 3)
    for step in (2, 50):  # every third frame is in the GIF
        number = next(n for n in range(4 * step, 4 * step + 4) if n % 3 == 0)
        screen = [*Replay(played.recording)][number]
        assert difference(frames[number // 3], replay.palette[screen]) < 0.5  # lossless


@pytest.mark.parametrize(("megabytes", "seconds"), [(0.035, 10.0), (0.01, 5.0), (1e-6, 0.1)])
def test_a_gif_stays_below_its_limit(
    megabytes: float, seconds: float, load: Any, tmp_path: Path
) -> None:
    """Fewer or smaller pictures, or a part of the game; at least one picture remains."""
    recording = play(load("env=space_invaders", "env.max_frames=600"), seed=3).recording
    path = tmp_path / "game.gif"
    written(recording, gif=path, megabytes=megabytes)
    pictures, times = decoded(path)
    assert path.stat().st_size <= megabytes * 1e6 or len(pictures) == 1
    assert times[-1] <= seconds


def test_a_long_game(load: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The MP4 is small and complete; the GIF shows a part."""
    monkeypatch.setattr(files, "LONG", 300)
    monkeypatch.setattr(files, "GIF_SECONDS", 2)
    played = play(load("env=space_invaders", "env.max_frames=900"), seed=3)
    mp4, gif = tmp_path / "game.mp4", tmp_path / "game.gif"
    written(played.recording, mp4=mp4, gif=gif)
    frames, _ = decoded(mp4)
    assert frames[0].shape == (SMALL.height + SMALL.strip, SMALL.width, 3)
    assert len(frames) == 4 * len(played.screens)
    _, times = decoded(gif)
    assert 1.9 < times[-1] <= 2.0


@pytest.mark.parametrize(
    ("scores", "length", "part"),
    [
        ([0, 0, 5, 9, 9, 9], 2, range(2, 4)),
        ([1, 1, 1, 2, 2], 1, range(3, 4)),  # the last of equal parts
        ([0, 0, 0, 0], 3, range(1, 4)),
        ([0, 4], 5, range(2)),
    ],
)
def test_the_best_part_of_a_game(scores: list[float], length: int, part: range) -> None:
    assert (
        files._Kept([(b"", ())] * len(scores), scores, [0] * len(scores)).best_part(length) == part
    )


def test_a_replay_with_a_different_score_is_not_shown(load: Any, tmp_path: Path) -> None:
    config = load("env=pong", "env.max_frames=100")
    recording = Recording(config.env, 0, np.empty(0, np.int32), np.zeros(25, np.int32), score=7.0)
    filmed = film(recording, config.video, tmp_path)
    assert filmed.video is None
    assert "not 7" in filmed.problem
    assert not list(tmp_path.iterdir())


def test_write_errors_are_reported(load: Any, tmp_path: Path) -> None:
    config = load("env=pong", "env.max_frames=100")
    (tmp_path / "videos").write_text("a file where the folder should be")
    recording = Recording(config.env, 0, np.empty(0, np.int32), np.zeros(25, np.int32), score=0.0)
    filmed = film(recording, config.video, tmp_path / "videos")
    assert filmed.video is None
    assert filmed.problem
    assert "\n" not in filmed.problem
