"""From the command line to a checked Config."""

from __future__ import annotations

import dataclasses
import math
from operator import attrgetter

import pytest
from hydra.core.config_store import ConfigStore
from omegaconf import OmegaConf

from runner.errors import UserError
from runner.run_directory import RunDirectory
from runner.settings import command_line, compose, saved
from runner.settings.flags import help_text, parse_flags
from runner.settings.games import all_games, find_game, squeezed
from runner.settings.protocols import PROTOCOLS

# Settings that an option requires.
NEEDS = {
    "experiment=breakout_expected_sarsa": ["train.warmup=1000"],  # the memory here is small
    "memory=sequential": ["agent=dqn"],
    "model=custom": ["model.builder=package.module:function"],
    "model=blocks": ["obs=pixel"],
    "model=both": ["obs=both"],
    "model=nature": ["obs=pixel"],
    "model=nature_no_bias": ["obs=pixel"],
    "model=nips": ["obs=pixel"],
    "model=pong_elu": ["obs=pixel"],
    "model=raw_frames": ["obs=pixel"],
    "model=small": ["obs=pixel"],
}

OPTIONS = sorted(
    f"{folder.name}={file.stem}"
    for folder in command_line.CONF_DIR.iterdir()
    if folder.is_dir() and folder.name != "env"
    for file in folder.glob("*.yaml")
)


@pytest.mark.parametrize("option", OPTIONS)
def test_every_option_of_every_group_composes(load, option):
    group, name = option.split("=")
    config = load(*NEEDS.get(option, []), option)
    in_file = OmegaConf.to_container(OmegaConf.load(command_line.CONF_DIR / group / f"{name}.yaml"))
    if "name" in in_file and "${" not in in_file["name"]:  # resolved names are tested separately
        assert getattr(config, group).name == in_file["name"]


def test_every_game_is_known_to_hydra_under_both_spellings(load):
    load()
    registered = ConfigStore.instance().repo["env"]
    assert len(all_games()) > 100
    for game in all_games():
        for spelling in (game, squeezed(game)):
            node = OmegaConf.merge({"id": None}, registered[f"{spelling}.yaml"].node)
            assert node.game == game
            assert find_game(spelling) == game


@pytest.mark.parametrize(
    ("typed", "game"),
    [
        ("pong", "pong"),
        ("ms_pacman", "ms_pacman"),
        ("mspacman", "ms_pacman"),
        ("space_invaders", "space_invaders"),
        ("spaceinvaders", "space_invaders"),
    ],
)
def test_games_compose(load, typed, game):
    assert load(f"env={typed}").env.game == game


@pytest.mark.parametrize("name", ["SpaceInvaders", "space-invaders", "space invaders"])
def test_alternative_spellings_of_games(name):
    assert find_game(name) == "space_invaders"


#                             sticky  skip  18 actions  no-ops  life loss
PROTOCOL_TABLE = {
    "v5": (0.25, 4, False, 0, False),
    "nature": (0.0, 4, False, 30, True),
    "machado": (0.25, 4, True, 0, False),
}
KNOBS = (
    "repeat_action_probability",
    "frame_skip",
    "full_actions",
    "noop_max",
    "terminal_on_life_loss",
)


def knobs_of(env):
    return tuple(getattr(env, knob) for knob in KNOBS)


@pytest.mark.parametrize("protocol", sorted(PROTOCOLS))
def test_a_protocol_sets_all_five_settings(load, protocol):
    env = load(f"env.protocol={protocol}").env
    assert env.protocol == protocol
    assert knobs_of(env) == PROTOCOL_TABLE[protocol]


def test_v5_is_the_default_protocol(load):
    assert load().env.protocol == "v5"


@pytest.mark.parametrize("protocol", ["v5", "nature"])
@pytest.mark.parametrize(
    ("knob", "typed", "value"),
    [
        ("repeat_action_probability", "0.5", 0.5),
        ("frame_skip", "2", 2),
        ("full_actions", "true", True),
        ("noop_max", "7", 7),
        ("terminal_on_life_loss", "true", True),
    ],
)
def test_one_setting_overrides_only_its_part_of_the_protocol(load, protocol, knob, typed, value):
    expected = dict(zip(KNOBS, PROTOCOL_TABLE[protocol], strict=True)) | {knob: value}
    env = load(f"env.protocol={protocol}", f"env.{knob}={typed}").env
    assert knobs_of(env) == tuple(expected.values())


@pytest.mark.parametrize(
    ("typed", "model"),
    [
        ([], "dense"),
        (["obs=ram"], "dense"),
        (["obs=pixel"], "conv"),
        (["obs=pixel", "model=dense"], "dense"),
        (["model=dense", "obs=pixel"], "dense"),
        (["obs=pixel", "model=custom", "model.builder=a.b:c"], "custom"),
        (["obs=ram", "model=custom", "model.builder=a.b:c"], "custom"),
    ],
)
def test_the_model_follows_the_observation_by_default(load, typed, model):
    assert load(*typed).model.name == model


def test_train_steps_follow_the_observation_by_default(load):
    lengths = {
        overrides: load(*overrides).train.steps
        for overrides in [("obs=ram",), ("obs=pixel",), ("obs=pixel", "train=smoke")]
    }
    assert list(lengths.values()) == [800_000, 300_000, 700]


@pytest.mark.parametrize("obs", ["ram", "pixel"])
@pytest.mark.parametrize("agent", [option for option in OPTIONS if option.startswith("agent=")])
def test_every_smoke_run_outlasts_its_warmup(load, agent, obs):
    config = load(agent, f"obs={obs}", "train=smoke")
    assert config.train.warmup < config.train.steps


@pytest.mark.parametrize(
    ("typed", "games"),
    [
        ([], 64),
        (["env.num_envs=3"], 3),
        (["agent=dqn", "memory=sequential"], 1),
        (["agent=keras_rl2"], 1),
    ],
)
def test_auto_is_replaced_by_a_number_of_games(load, typed, games):
    assert load(*typed).env.num_envs == games


@pytest.mark.parametrize("preset", [[], ["train=hour"]])
def test_the_default_depends_on_the_observation_and_yields_to_overrides(load, preset):
    ram, pixel = (load(*preset, f"obs={obs}") for obs in ("ram", "pixel"))
    for config in (ram, pixel):
        assert (config.agent.n_step, config.model.layer_norm) == (3, True)  # agent=strong
    assert (ram.model.name, pixel.model.name) == ("dense", "conv")
    assert ram.train.steps > pixel.train.steps
    assert (ram.policy.name, pixel.policy.name) == ("eps_z_greedy", "eps_greedy")
    assert (ram.policy.value_min, pixel.policy.value_min) == (0.1, 0.01)
    assert ram.policy.nb_steps > pixel.policy.nb_steps
    assert [encoder.kind for encoder in ram.model.inputs] == [
        "standardized",
        "changes",
        "places",
        "bits",
    ]
    assert ram.model.gains
    assert (ram.agent.optimizer, pixel.agent.optimizer) == ("adam", "adam")
    assert ram.agent.lr_decay_steps == ram.train.steps
    assert (ram.agent.batch_size, pixel.agent.batch_size) == (128, 64)
    assert (pixel.obs.height, pixel.obs.width, pixel.model.conv_norm) == (42, 42, False)
    nature = load(*preset, "obs=pixel", "model=nature")
    assert (nature.obs.height, nature.obs.width, nature.model.filters) == (84, 84, [32, 64, 64])
    other = load(*preset, "agent=rainbow", "train.steps=20000")
    assert (other.agent.distribution, other.policy.name) == ("c51", "greedy")
    assert other.train.steps == 20_000


def test_the_default_is_shorter_than_an_hour(load):
    assert load().train.steps < load("train=hour").train.steps


def test_keras_rl2_uses_its_own_memory(load):
    config = load("agent=keras_rl2")
    assert (config.agent.name, config.memory.name) == ("keras_rl2", "sequential")


def test_infinity_disables_clipping(load):
    agent = load("agent=dqn", "agent.delta_clip=inf", "agent.reward_clip=inf").agent
    assert math.isinf(agent.delta_clip)
    assert math.isinf(agent.reward_clip)


@pytest.mark.parametrize(
    "typed",
    [
        [],
        ["env=ms_pacman", "env.protocol=nature", "obs=pixel", "agent=dqn", "agent.delta_clip=inf"],
        ["agent=keras_rl2", "seed=7"],
        ["model=custom", "model.builder=a.b:c", "+model.arguments.depth=3", "env.num_envs=2"],
    ],
)
def test_a_saved_config_round_trips(load, tmp_path, typed):
    config = load(*typed)
    RunDirectory(tmp_path).write_config(config)
    assert saved.read(tmp_path / "config.yaml") == config


def test_a_saved_config_is_fully_resolved(load, tmp_path):
    RunDirectory(tmp_path).write_config(load())
    text = (tmp_path / "config.yaml").read_text()
    assert "${" not in text
    assert "num_envs: auto" not in text
    for setting in dataclasses.fields(load()):
        assert f"{setting.name}:" in text


def test_overrides_of_hydra_are_passed_through(load):
    assert load("hydra.run.dir=elsewhere") == load()


def test_paths_may_contain_hydra_syntax() -> None:
    typed = ["env=pong", "init_weights=runs/obs=ram,seed=1/w.h5", "hydra.run.dir='a=b'", "seed=1,2"]
    assert command_line.with_paths_quoted(typed) == [
        "env=pong", "init_weights='runs/obs=ram,seed=1/w.h5'", "hydra.run.dir='a=b'", "seed=1,2",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "name",
    ["größe", "a b", "it's", 'a"b', "obs=ram,seed=1", "[x]", "{y}", "a:b", "~x", "back\\slash",
     "trail\\", "'", "#1", "100%", "漢字", "-m", "(1)", "$HOME", "1e3", "null ", "true"],
)  # fmt: skip
def test_any_legal_path_is_taken_as_it_is(tmp_path, name: str) -> None:
    (tmp_path / name).mkdir()
    weights = tmp_path / name / "w.weights.h5"
    weights.touch()
    (tmp_path / name / "pong.bin").touch()
    typed = ["env=pong", f"hydra.run.dir={tmp_path / name}/run", f"init_weights={weights}"]
    run = compose.load_run(command_line.with_paths_quoted([*typed, "memory.limit=20000"]))
    assert run.folder() == tmp_path / name / "run"
    assert run.config.init_weights == str(weights)


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        (["--cfg", "job", "env=pong"], ("job", ["env=pong"])),
        (["env=pong", "--cfg=job", "seed=1"], ("job", ["env=pong", "seed=1"])),
        (["env.id=Breakout-v4", "-c", "all"], ("all", ["env.id=Breakout-v4"])),
        (["-m", "seed=1,2"], (None, ["seed=1,2"])),
    ],
)
def test_flags_may_stand_anywhere(typed: list[str], expected) -> None:
    given = parse_flags(typed)
    assert (given.cfg, given.settings) == expected


@pytest.mark.parametrize(
    ("typed", "part"),
    [
        (["--nope"], "--nope: no such flag"),
        (["--hlep"], "did you mean --help?"),
        (["--cfg=nope"], "--cfg=nope: expected one of job, hydra, all"),
        (["--cfg"], "--cfg=: expected one of"),
        (["--multirun=1"], "--multirun=1: expected no value"),
        (["env=pong", "--package=agent"], "--package: expected --cfg"),
        (["-m", "obs=pixel,ram", "--cfg=job"], "--multirun: expected no --cfg"),
        (["--config-name=nope"], "no such flag"),
        (["evaluate", "run=x"], "python -m runner.evaluate"),
    ],
)
def test_a_wrong_flag_is_refused(typed: list[str], part: str) -> None:
    with pytest.raises(UserError) as caught:
        parse_flags(typed)
    assert part in str(caught.value)


@pytest.mark.parametrize("package", ["agnt", "agent.gamma", "["])
def test_only_a_group_is_shown_alone(package: str) -> None:
    run = compose.load_run(["memory.limit=20000"])
    assert compose.shown(run, "job", "agent").startswith("name: dqn\n")
    with pytest.raises(UserError):
        compose.shown(run, "job", package)


def test_the_help_names_every_group() -> None:
    for group in command_line.GROUPS:
        assert group == "hydra" or f"\n  {group} " in help_text()


TYPED_WINS = [
    (["experiment=spaceinvaders_ram", "train=smoke"], {"train.steps": 700, "eval.episodes": 2}),
    (["train=smoke", "experiment=spaceinvaders_ram"], {"train.steps": 700, "train.warmup": 576}),
    (["experiment=spaceinvaders_ram", "train.steps=2000"], {"train.steps": 2000}),
    (["experiment=breakout_huber", "policy=constant"], {"policy.value_max": 0.1}),
    (["experiment=breakout_huber", "obs=ram"], {"obs.name": "ram", "model.name": "dense"}),
    (["experiment=pong_elu", "memory=prioritized"], {"memory.alpha": 0.6, "agent.gamma": 0.9}),
    (["experiment=spaceinvaders_ram", "agent=rainbow"], {"agent.n_step": 3}),
    (["train=hour", "agent=rainbow"], {"agent.distribution": "c51"}),
    (["agent=rainbow", "memory=replay"], {"memory.name": "replay"}),
    (["agent=strong", "policy=greedy"], {"policy.name": "greedy"}),
]  # fmt: skip


@pytest.mark.parametrize(("typed", "expected"), TYPED_WINS, ids=lambda v: " ".join(v)[:40])
def test_overrides_win_over_every_preset(load, typed, expected) -> None:
    config = load(*typed)
    assert {name: attrgetter(name)(config) for name in expected} == expected


@pytest.mark.parametrize(
    ("typed", "name", "value"),
    [
        ("agent.gradient_clip=.inf", "agent.gradient_clip", math.inf),
        ("agent.reward_clip=Inf", "agent.reward_clip", math.inf),
        ("train.steps=1e6", "train.steps", 1_000_000),
        ("train.steps=2_000_000", "train.steps", 2_000_000),
        ("memory.limit=3e5", "memory.limit", 300_000),
        ("env.frame_skip=4.0", "env.frame_skip", 4),
        ("model.hidden=[1e2,64]", "model.hidden", [100, 64]),
        ("+agent.gamma=0.5", "agent.gamma", 0.5),
        ("++agent.gamma=0.5", "agent.gamma", 0.5),
        ("+env=pong", "env.game", "pong"),
        ("++obs=pixel", "obs.name", "pixel"),
        ("+env.id=Pong-v0", "obs.name", "pixel"),
        ("+experiment=spaceinvaders_ram", "agent.batch_size", 32),
        ("agent.batch_size=${agent.atoms}", "agent.batch_size", 32),
    ],
)
def test_natural_spellings_are_accepted(load, typed, name, value) -> None:
    assert attrgetter(name)(load(typed)) == value


@pytest.mark.parametrize("option", [o for o in OPTIONS if o.startswith("experiment=")])
def test_a_smoke_run_of_an_experiment_is_short(load, option) -> None:
    config = load(*NEEDS.get(option, []), option, "train=smoke")
    assert config.train.steps == 700
    assert config.eval.episodes * config.env.max_frames <= 4000
    assert config.eval.interval == 0
