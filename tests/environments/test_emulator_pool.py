"""Games in parallel processes: identical to sequential games for any timing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import numpy as np
import psutil
import pytest
from interference import stopped_in_turn
from marks import slow_but

from runner.environments import pool as pool_module
from runner.environments.atari import AtariGame
from runner.environments.pool import EmulatorPool, game_seeds
from runner.environments.worker import REST
from runner.errors import RunError

GAMES = 4
STEPS = 110
RULES = ("env=breakout", "env.max_frames=400", "env.terminal_on_life_loss=true", "env.noop_max=10")


@pytest.fixture(scope="module")
def get_pool(load):
    """Pools shared by this module, keyed by their arguments: processes start slowly."""
    pools = {}

    def get(obs="ram", processes=2):
        how = obs, processes
        if how not in pools:
            config = load(*RULES, f"obs={obs}")
            pools[how] = EmulatorPool(config.env, config.obs, GAMES, processes)
        return pools[how]

    yield get
    for pool in pools.values():
        pool.close()


@pytest.fixture
def own_pool(load):
    """A pool for tests that break it."""
    config = load(*RULES)
    pool = EmulatorPool(config.env, config.obs, GAMES, processes=2)
    pool.reset(seed=0)
    yield pool
    pool.close()


def actions_of(steps, games=GAMES, seed=0):
    return np.random.default_rng(seed).integers(4, size=(steps, games))


def seen_in_step(step):
    """A copy of a step's results: the pool's arrays are valid only until the next step."""
    observations, rewards, terminated, truncated, infos = step
    ended = terminated | truncated
    return {
        "observations": observations.copy(),
        "rewards": rewards.copy(),
        "terminated": terminated.copy(),
        "truncated": truncated.copy(),
        "life_lost": infos["life_lost"].copy(),
        "lives": infos["lives"].copy(),
        "frames": infos["frames"].copy(),
        "final_obs": infos["final_obs"][ended].copy(),
        "episode_return": infos["episode_return"][ended].copy(),
        "episode_length": infos["episode_length"][ended].copy(),
    }


def play(pool, actions):
    return [seen_in_step(pool.step(row)) for row in actions]


def assert_same(one, other):
    assert len(one) == len(other)
    for step, (a, b) in enumerate(zip(one, other, strict=True)):
        for name in a:
            np.testing.assert_array_equal(a[name], b[name], err_msg=f"{name} of step {step}")


@pytest.mark.parametrize("obs", ["ram", "pixel"])
def test_a_pool_plays_the_games_that_single_games_play(load, get_pool, obs):
    config = load(*RULES, f"obs={obs}")
    games = [AtariGame(config.env, config.obs) for _ in range(GAMES)]
    pool = get_pool(obs)
    observations, infos = pool.reset(seed=11)
    for index, seed in enumerate(game_seeds(11, GAMES)):
        first, info = games[index].reset(seed=seed)
        np.testing.assert_array_equal(observations[index], first)
        assert infos["lives"][index] == info["lives"]
    ended = 0
    for row in actions_of(STEPS):
        observations, rewards, terminated, truncated, infos = pool.step(row)
        for index, game in enumerate(games):
            observation, reward, over, cut, info = game.step(int(row[index]))
            frames = info["frames"]
            assert (rewards[index], terminated[index], truncated[index]) == (reward, over, cut)
            assert infos["life_lost"][index] == info["life_lost"]
            if over or cut:
                # Reset in the same step: `observations` holds the next game's first observation.
                np.testing.assert_array_equal(infos["final_obs"][index], observation)
                assert infos["episode_return"][index] == info["episode_return"]
                assert infos["episode_length"][index] == info["episode_length"]
                observation, info = game.reset()
                frames += info["frames"]
                ended += 1
            np.testing.assert_array_equal(observations[index], observation)
            assert infos["lives"][index] == info["lives"]
            assert infos["frames"][index] == frames
    assert ended >= GAMES


@pytest.mark.slow
def test_neither_processes_nor_timing_change_a_game(get_pool):
    played = []
    for processes in (1, 2, 3):
        pool = get_pool("ram", processes)
        pool.reset(seed=7)
        played.append(play(pool, actions_of(STEPS)))
    with stopped_in_turn() as stops:
        pool.reset(seed=7)
        played.append(play(pool, actions_of(STEPS)))
    assert stops
    for other in played[1:]:
        assert_same(played[0], other)


def test_a_seed_for_each_game(get_pool):
    pool = get_pool()
    pool.reset(seed=[3, 4, 3, 5])
    others_differ = set()
    for row in actions_of(80, games=1):
        observations, *_ = pool.step(np.repeat(row, GAMES))
        np.testing.assert_array_equal(observations[0], observations[2])
        others_differ |= {i for i in (1, 3) if (observations[i] != observations[0]).any()}
    assert others_differ == {1, 3}


def test_game_seeds_are_distinct_and_reproducible():
    assert len(set(game_seeds(0, 1024))) == 1024
    assert game_seeds(5, 8) == game_seeds(5, 16)[:8]


def test_waiting_leaves_a_game_unchanged(get_pool):
    actions = actions_of(40)
    pool = get_pool()
    pool.reset(seed=4)
    expected = [step["observations"] for step in play(pool, actions)]
    pool.reset(seed=4)
    for step, row in enumerate(actions):
        for index in range(GAMES):  # one game steps, the others wait
            alone = np.full(GAMES, REST)
            alone[index] = row[index]
            before = pool.get_state()["games"]
            observations = pool.step(alone)[0].copy()
            after = pool.get_state()["games"]
            moved = [a["emulator"] != b["emulator"] for a, b in zip(before, after, strict=True)]
            assert moved == [i == index for i in range(GAMES)]
        np.testing.assert_array_equal(observations, expected[step])


def test_step_async_and_step_wait_are_a_step(get_pool):
    pool = get_pool()
    pool.reset(seed=4)
    expected = play(pool, actions_of(20))
    pool.reset(seed=4)
    seen = []
    for row in actions_of(20):
        pool.step_async(row)
        row[:] = 0  # already copied
        seen.append(seen_in_step(pool.step_wait()))
    assert_same(seen, expected)


@pytest.mark.parametrize(("obs", "processes"), [("ram", 2), ("ram", 3), ("pixel", 2)])
def test_saved_states_continue_exactly_in_any_pool(get_pool, obs, processes):
    pool = get_pool(obs)
    pool.reset(seed=0)
    play(pool, actions_of(70))
    state = pool.get_state()
    shown = pool._arrays["observations"].copy()
    expected = play(pool, actions_of(100, seed=1))
    other = get_pool(obs, processes)
    other.reset(seed=99)
    other.set_state(state)
    np.testing.assert_array_equal(other._arrays["observations"], shown)
    assert_same(play(other, actions_of(100, seed=1)), expected)


@pytest.mark.slow
def test_groups_alternate_and_a_pending_step_is_saved(load):
    config = load(*RULES)
    rules, obs = config.env, config.obs
    grouped, other = (EmulatorPool(rules, obs, 5, processes=2, groups=2) for _ in range(2))
    whole = EmulatorPool(rules, obs, 5, processes=2)
    try:
        rows = actions_of(40, games=5)
        whole.reset(seed=4)
        expected = [whole.step(row)[0].copy() for row in rows]
        grouped.reset(seed=4)
        first, second = (slice(group.start, group.stop) for group in grouped.groups)
        for step, row in enumerate(rows):
            grouped.step_async(row[first], 0)
            grouped.step_async(row[second], 1)
            np.testing.assert_array_equal(grouped.step_wait(0)[0], expected[step][first])
            if step == 20:
                state = grouped.get_state()
            np.testing.assert_array_equal(grouped.step_wait(1)[0], expected[step][second])
        other.reset(seed=9)
        other.set_state(state)
        np.testing.assert_array_equal(other.step_wait(1)[0], expected[20][second])
        np.testing.assert_array_equal(other.step(rows[21])[0], expected[21])
    finally:
        for pool in (grouped, other, whole):
            pool.close()


def test_saving_does_not_affect_the_game(get_pool):
    pool = get_pool()
    pool.reset(seed=0)
    expected = play(pool, actions_of(60))
    pool.reset(seed=0)
    seen = []
    for row in actions_of(60):
        pool.get_state()
        seen.append(seen_in_step(pool.step(row)))
    assert_same(seen, expected)


def test_a_reset_abandons_steps_in_progress(own_pool):
    """As after a training that was stopped."""
    expected = own_pool.reset(seed=7)[0].copy()
    own_pool.step_async(actions_of(1)[0])
    np.testing.assert_array_equal(own_pool.reset(seed=7)[0], expected)
    own_pool.step(actions_of(1)[0])


def test_a_reset_after_an_interrupted_wait(own_pool, monkeypatch):
    """Ctrl-C in a notebook, while one process has answered and the other has not."""
    expected = own_pool.reset(seed=7)[0].copy()
    own_pool.step_async(actions_of(1)[0])
    wait, waits = own_pool._guarded, []

    def interrupted(*call):
        waits.append(call)
        if len(waits) == 2:
            raise KeyboardInterrupt
        return wait(*call)

    monkeypatch.setattr(own_pool, "_guarded", interrupted)
    with pytest.raises(KeyboardInterrupt):
        own_pool.step_wait()
    np.testing.assert_array_equal(own_pool.reset(seed=7)[0], expected)


def test_spaces_follow_gymnasiums_vector_interface(get_pool):
    pool = get_pool("pixel")
    observations, _ = pool.reset(seed=0)
    assert pool.num_envs == GAMES
    assert pool.observation_space.contains(observations)
    assert pool.action_space.contains(np.zeros(GAMES, np.int64))
    assert pool.single_action_space.n == 4
    assert pool.action_meanings == ["NOOP", "FIRE", "RIGHT", "LEFT"]


def test_a_killed_process_is_reported_in_one_line(own_pool):
    victim, _ = own_pool._workers[1]
    os.kill(victim.pid, signal.SIGKILL)
    victim.join(timeout=5)
    with pytest.raises(RunError) as caught:
        own_pool.step(actions_of(1)[0])
    text = str(caught.value)
    assert "\n" not in text
    assert f"pid {victim.pid}" in text
    assert "emulator process died" in text


def test_closing_ends_the_processes(own_pool):
    processes = [process for process, _ in own_pool._workers]
    own_pool.close()
    assert all(process.exitcode == 0 for process in processes)
    own_pool.close()  # closing twice is harmless


def test_a_slow_start_shows_progress(load, monkeypatch, capsys):
    monkeypatch.setattr(pool_module, "_SECONDS_BETWEEN_LINES", 0.05)
    config = load(*RULES)
    pool = EmulatorPool(config.env, config.obs, 12, processes=1)
    try:
        pool.reset(seed=0)
        lines = capsys.readouterr().out.splitlines()
        shares = [int(line.split()[-1].rstrip("%")) for line in lines]
        assert lines[0].startswith("starting 12 emulators: ")
        assert shares == sorted(shares)
        assert shares[-1] > 50
        pool.reset()
    finally:
        pool.close()


@pytest.mark.parametrize(
    "number", slow_but({signal.SIGINT}, [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
)
def test_a_start_can_be_interrupted(repository, tmp_path, number):
    folder = tmp_path / "run"
    command = ["env=pong", "train=smoke", "env.num_envs=400", "train.warmup=5000",
               "memory.limit=20000"]  # fmt: skip
    run = subprocess.Popen(
        [sys.executable, "-m", "runner", *command, f"hydra.run.dir={folder}"],
        cwd=repository,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        # Emulator processes have started; loading 400 games takes a minute.
        while len(psutil.Process(run.pid).children()) < 2:
            time.sleep(0.05)
            assert run.poll() is None, run.stderr.read()
        time.sleep(1)
        run.send_signal(number)
        _, error = run.communicate(timeout=60)
    finally:
        run.kill()
    assert (run.returncode, error.split()) == (128 + number, ["interrupted"])
    assert not folder.exists()
