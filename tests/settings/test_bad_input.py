"""Every invalid input gives a one-line UserError: field, value and allowed values."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from runner.errors import UserError
from runner.settings import command_line, compose, saved
from runner.settings.checks import check_writable

SMALL = "memory.limit=20000"


def checked(arguments):
    run = compose.load_run(command_line.with_paths_quoted(arguments))
    check_writable(run.folder(), "hydra.run.dir")


def refusal(arguments):
    with pytest.raises(UserError) as caught:
        checked(arguments)
    text = str(caught.value)
    assert text
    assert "\n" not in text
    assert len(text) <= 300
    return text


BAD_INPUT = [
    # Games, groups and keys that do not exist.
    (["env=pogn"], ["env=pogn", "did you mean pong"]),
    (["env=space_invader"], ["env=space_invader", "spaceinvaders"]),
    (["env=xyzzyq"], ["env=xyzzyq", "no such game", "104 games"]),
    (["env=SpaceInvaders"], ["env=SpaceInvaders", "spaceinvaders or space_invaders"]),
    (["env=atari"], ["env=atari", "expected one of ALE's"]),  # a file that is no game
    (["env=pong", "env.game=breakout"], ["env.game=breakout", "that of env=pong"]),
    (["env=null"], ["env=null"]),
    (["env.game=../pong"], ["env.game=../pong", "ALE's name of a game"]),
    (["obs=pixels"], ["obs=pixels", "did you mean pixel?", "pixel, ram"]),
    (["model=transformer"], ["model=transformer", "both, custom, dense, nature"]),
    (["experiment=null"], ["experiment=null", "breakout_huber"]),
    (["model=null"], ["model=null", "both, custom, dense, nature"]),
    (["agent={nme:dqn}"], ["agent.nme", "did you mean agent.name?"]),
    (["agent.gama=0.9"], ["agent.gama", "did you mean agent.gamma?", "batch_size"]),
    (["agnt.gamma=0.9"], ["agnt.gamma", "did you mean agent?"]),
    (["stpes=3"], ["stpes", "no such setting"]),
    (["+foo=1"], ["foo", "no such setting"]),
    (["+agent.foo=1"], ["agent.foo", "no such setting"]),
    (["pong"], ["pong", "key=value"]),
    # Settings without effect with the others.
    (["agent.momentum=0.9"], ["agent.momentum=0.9", "agent.optimizer to be one of rmsprop, sgd"]),
    (["agent.v_min=-5"], ["agent.v_min=-5", "agent.distribution to be c51", "not qr"]),
    (["agent={munchausen:false,munchausen_tau:0.1}"], ["munchausen_tau=0.1", "to be true"]),
    (["agent=dqn", "agent.lr_min=0.0001"], ["agent.lr_min", "lr_decay_steps", "not 0"]),
    (["policy.exponent=3", "policy=linear"], ["policy.exponent=3", "policy.name", "eps_z_greedy"]),
    (["obs=raw", "obs.height=42"], ["obs.height=42", "obs.resize", "not none"]),
    (["logger.wandb_mode=online"], ["logger.wandb_mode=online", "logger.wandb to be true"]),
    # Wrong types.
    (["agent.gamma=abc"], ["agent.gamma=abc", "a number"]),
    (["agent.batch_size=1.5"], ["agent.batch_size=1.5", "an integer"]),
    (["model.hidden=5"], ["model.hidden=5", "a list of integers"]),
    (["model.hidden=[a]"], ["model.hidden=['a']", "a list of integers"]),
    (["agent.double=maybe"], ["agent.double=maybe", "true or false"]),
    (["env.num_envs=1.5"], ["env.num_envs=1.5", "auto or an integer"]),
    (["env.repeat_action_probability=null"], ["env.repeat_action_probability", "a number"]),
    (["env.protocol=[v5]"], ["env.protocol=['v5']", "v5, nature, machado"]),
    (["env.id=5"], ["env.id=5", "Breakout-v0"]),
    ([f"agent.gamma={'9' * 400}"], ["agent.gamma=999", "from 0 to 1"]),
    ([f"train.steps={'9' * 400}"], ["train.steps=999", "an integer"]),
    (["agent.gamma=${nothing}"], ["agent.gamma", "'nothing' not found"]),
    (["seed=0,1"], ["seed=0,1", "--multirun"]),
    # Out of range.
    (["agent.gamma=1.1"], ["agent.gamma=1.1", "from 0 to 1"]),
    (["agent.learning_rate=nan"], ["agent.learning_rate=nan", "> 0"]),
    (["agent.learning_rate=inf"], ["agent.learning_rate=inf", "> 0"]),
    (["agent.lr_min=0.1"], ["agent.lr_min=0.1", "0.0007"]),
    (["agent.lr_decay_steps=-1"], ["agent.lr_decay_steps=-1", ">= 0"]),
    (["agent.lr_hold=1"], ["agent.lr_hold=1", "< 1"]),
    (["agent.target_update=1.5"], ["agent.target_update=1.5", "whole number", "rate"]),
    (["agent.dueling=best"], ["agent.dueling=best", "none, avg, max, naive"]),
    (["agent.jit_compile=1"], ["agent.jit_compile=1", "auto, true or false"]),
    (["agent.precision=half"], ["agent.precision=half", "auto, float32, bfloat16"]),
    (["model.activation=rellu"], ["model.activation=rellu", "relu"]),
    (["obs.window=0"], ["obs.window=0", "from 1"]),
    (["obs=pixel", "model=dense", "obs.height=0", SMALL], ["obs.height=0", "from 1 to 4096"]),
    (["train.steps=-5"], ["train.steps=-5", ">= 1"]),
    (["train.warmup=-5"], ["train.warmup=-5", ">= 0"]),
    (["env.frame_skip=0"], ["env.frame_skip=0", ">= 1"]),
    (["env.frame_skip=[2,0]"], ["env.frame_skip=[2, 0]", ">= 1"]),
    (["env.frame_skip=[]"], ["env.frame_skip=[]", ">= 1"]),
    (["env.frame_skip=four"], ["env.frame_skip=four", ">= 1"]),
    (["env.frame_skip=true"], ["env.frame_skip=true", ">= 1"]),
    (["env.max_steps=0"], ["env.max_steps=0", "null or an integer >= 1"]),
    (["env.max_steps=many"], ["env.max_steps=many", "null or an integer"]),
    (["env.life_loss_reward=nan"], ["env.life_loss_reward=nan", "finite"]),
    (["env.truncation_reward=inf"], ["env.truncation_reward=inf", "finite"]),
    (["env.start_moves_max=-1"], ["env.start_moves_max=-1", ">= 0"]),
    (["obs.padding=last"], ["obs.padding=last", "zeros, first"]),
    (["obs.bytes=[128]"], ["obs.bytes=[128]", "from 0 to 127"]),
    (["obs.bytes=[1,1]"], ["obs.bytes=[1, 1]", "distinct"]),
    (["obs.bytes=[]"], ["obs.bytes=[]", "list"]),
    (["obs.bytes=5"], ["obs.bytes=5", "null or a list"]),
    (["obs=pixel", "obs.bytes=[1]", SMALL], ["obs.bytes=[1]", "obs.name=ram with it"]),
    (["obs=pixel", "obs.color=grey", SMALL], ["obs.color=grey", "luma, mean, rgb"]),
    (["obs=pixel", "obs.resize=cubic", SMALL], ["obs.resize=cubic", "area, nearest, bilinear"]),
    (["obs=pixel", "obs.subsample=0", SMALL], ["obs.subsample=0", "from 1 to 100"]),
    (["obs=pixel", "obs.crop=[5,4,0,9]", SMALL], ["obs.crop=[5, 4, 0, 9]", "top < bottom"]),
    (["obs=pixel", "obs.crop=[0,211,0,9]", SMALL], ["obs.crop=[0, 211, 0, 9]", "210x160"]),
    (["obs.color=rgb"], ["obs.color=rgb", "obs.name=pixel with it"]),
    (["obs=both", "model=nature", SMALL], ["model=conv", "model=both or model=custom"]),
    (["obs=ram", "model=both", SMALL], ["model=both", "model=dense or model=custom"]),
    (["obs=raw", "obs.crop=[0,20,0,20]"], ["model.kernels=[8, 4, 3]", "20x20"]),
    (["obs=raw", "memory.limit=1000000000"], ["memory.limit=1000000000", "100808.0 GB"]),
    (["obs=pixel", "model.gains=true", SMALL], ["model.gains=true", "model.name=dense"]),
    (["obs=pixel", "model.inputs=[changes]", SMALL], ["model.inputs=", "model.name=dense"]),
    (["obs=pixel", "model=dense", "model.inputs=[places]", SMALL], ["inputs[0]=places", "obs=ram"]),
    (["model.inputs=[changes]", "obs.window=1"], ["obs.window=1", "2 or more", "[changes]"]),
    (["model.inputs=[]"], ["model.inputs=[]", "a list of encoders"]),
    (["model.inputs=scaled"], ["model.inputs", "list"]),
    (["model.inputs=[place]"], ["model.inputs[0].kind=place", "did you mean places?"]),
    (["model.inputs=[{of:[1]}]"], ["model.inputs[0].kind=null", "places, scaled"]),
    (["model.inputs=[{kind:places,off:[1]}]"], ["model.inputs[0].off", "kind, of, count"]),
    (["model.inputs=[{kind:places,of:[128]}]"], ["model.inputs[0].of=128", "from 0 to 127"]),
    (["model.inputs=[{kind:places,of:[1-2-3]}]"], ["of=1-2-3", "ball_x - paddle_x"]),
    (["model.inputs=[{kind:places,of:[5+256]}]"], ["of=5+256", "ball_x - paddle_x"]),
    (["model.inputs=[{kind:places,of:[5,5]}]"], ["of=[5, 5]", "no duplicates"]),
    (["model.inputs=[{kind:places,of:[]}]"], ["model.inputs[0].of=[]", "at least one entry"]),
    (["model.inputs=[{kind:places,of:some}]"], ["model.inputs[0].of=some", "auto or a list"]),
    (["model.inputs=[{kind:places,count:0}]"], ["model.inputs[0].count=0", "from 1 to 24"]),
    (["model.inputs=[{kind:places,of:[playr_x]}]"], ["of=playr_x", "did you mean player_x?"]),
    (["env=adventure", "model.inputs=[{kind:bits,of:[ball_x]}]"], ["of=ball_x", "no ram_map"]),
    (["model.inputs=[{kind:bits,of:[3,3]}]"], ["model.inputs[0].of=[3, 3]", "no duplicates"]),
    (["model.inputs=[{kind:bits,of:[]}]"], ["model.inputs[0].of=[]", "at least one entry"]),
    (["model.inputs=[{kind:bits,of:all}]"], ["inputs[0].of=all", "auto, null or a list"]),
    (["model.inputs=[{kind:bits,frames:last}]"], ["inputs[0].frames=last", "all, newest"]),
    (["model.inputs=[{kind:scaled,factor:0}]"], ["model.inputs[0].factor=0", "> 0"]),
    (
        ["model.inputs=[{kind:places,of:[5-6]}]", "obs.bytes=[5,7]"],
        ["model.inputs[0].of=5-6", "obs.bytes=[5, 7]"],
    ),
    (["agent=keras_rl2", "obs.padding=first"], ["obs.padding=first", "memory=sequential"]),
    (
        ["agent=keras_rl2", "env.life_loss_reward=-1"],
        ["agent.reward_clip=1.0", "inf", "env.life_loss_reward"],
    ),
    (["env.repeat_action_probability=1.5"], ["env.repeat_action_probability=1.5", "from 0 to 1"]),
    (["env.num_envs=0"], ["env.num_envs=0", "auto"]),
    (["env.num_envs=many"], ["env.num_envs=many", "auto"]),
    (["env.protocol=v6"], ["env.protocol=v6", "v5, nature, machado"]),
    (["seed=-1"], ["seed=-1", "from 0"]),
    # Incompatible values.
    (["obs=ram", "model=nature"], ["model=conv", "obs=ram", "model=dense"]),
    (["model=custom"], ["model.builder=null", "package.module:function"]),
    (["model=custom", "model.builder=a"], ["model.builder=a", "package.module:function"]),
    (["model.builder=a:b"], ["model.builder=a:b", "model.name=custom"]),
    (["obs=pixel", "model=nature", "obs.height=20", SMALL], ["model.kernels=[8, 4, 3]", "20x84"]),
    (["obs=pixel", "model.filters=[1,2]", SMALL], ["model.filters=[1, 2]", "model.kernels"]),
    (["memory.limit=40"], ["memory.limit=40", "agent.batch_size=128"]),
    (["memory.limit=20", "agent.batch_size=1"], ["memory.limit=20", "obs.window=3"]),
    (["train.warmup=30000", SMALL], ["train.warmup=30000", "memory.limit=20000"]),
    (["train.warmup=10"], ["train.warmup=10", "agent.batch_size=128"]),
    (["start_step=4000000"], ["start_step=4000000", "train.steps=800000"]),
    (["policy.value_max=0.1", "policy.value_min=0.5"], ["policy.value_min=0.5", "value_max=0.1"]),
    (["policy.value_max=2"], ["policy.value_max=2", "from 0 to 1"]),
    (["policy.nb_steps=0"], ["policy.nb_steps=0", ">= 1"]),
    (["policy.rate=0.1"], ["policy.rate=0.1", "policy.schedule=exponential with it"]),
    (["policy=exponental"], ["policy=exponental", "did you mean exponential?"]),
    (["policy.schedule=cosine"], ["policy.schedule=cosine", "constant, linear, exponential"]),
    (
        ["policy=greedy", "policy.value_max=1"],
        ["policy.value_max=1", "policy.schedule=none has no such"],
    ),
    (["policy=softmax", "policy.value_max=0"], ["policy.value_max=0", "> 0 (tau)"]),
    (["policy=softmax", "policy.value_max=null"], ["policy.value_max=null", "finite number"]),
    (["policy.name=greedy"], ["policy.schedule=linear", "none with policy.name=greedy"]),
    (["policy=piecewise", "policy.points=[[0,a]]"], ["policy.points=[[0, 'a']]", "[step, value]"]),
    (["policy=piecewise", f"policy.points=[[{'9' * 400},1]]"], ["policy.points=", "[step, value]"]),
    (["policy=piecewise", "policy.points=[[9,1],[5,1]]"], ["policy.points=", "each after"]),
    (["policy=piecewise", "policy.points=[[0,2]]"], ["policy.points=[[0, 2]]", "from 0 to 1"]),
    (["policy.exponent=1"], ["policy.exponent=1", "> 1"]),
    (["policy.max_action_repeat=0"], ["policy.max_action_repeat=0", ">= 1 (steps)"]),
    (["policy.epsilon_spread=-1"], ["policy.epsilon_spread=-1", ">= 0"]),
    (["policy.repeat_share=1.5"], ["policy.repeat_share=1.5", "from 0 to 1"]),
    (["policy.clip=[1]"], ["policy.clip=[1.0]", "[lowest, highest]"]),
    (["model.dense_initializer=he"], ["model.dense_initializer=he", "he_normal, he_uniform"]),
    (["train.minutes=0"], ["train.minutes=0.0", "null or a finite number > 0"]),
    (["train.episodes=0"], ["train.episodes=0", "null or an integer >= 1"]),
    (["checkpoint.weights=all"], ["checkpoint.weights=all", "interval, episode"]),
    (["agent.target_sync=life"], ["agent.target_sync=life", "steps, game_end"]),
    (["agent.target_sync=game_end", "agent.target_update=0.1"], ["agent.target_update=0.1"]),
    (
        ["agent=keras_rl2", "agent.target_sync=game_end"],
        ["agent.target_sync=game_end", "agent.name=dqn with it"],
    ),
    (["agent=keras_rl2", "memory=replay"], ["memory=replay", "memory=sequential"]),
    (["agent=keras_rl2", "env.num_envs=4"], ["env.num_envs=4", "1 with memory=sequential"]),
    (["agent=keras_rl2", "agent.target_update=0.1"], ["agent.target_update=0.1", "keras_rl2"]),
    (["agent=keras_rl2", "agent.target_update=0"], ["agent.target_update=0", "keras_rl2"]),
    (["agent=keras_rl2", "agent.expected_sarsa=true"], ["agent.expected_sarsa=true", "keras_rl2"]),
    (
        ["agent=keras_rl2", "agent.distribution=qr"],
        ["agent.distribution=qr", "agent.name=dqn with it"],
    ),
    (
        ["agent=keras_rl2", "agent.noisy_sigma=0.5"],
        ["agent.noisy_sigma=0.5", "agent.name=keras_rl2 has no"],
    ),
    (["agent=dqn", "agent.munchausen=true"], ["agent.double=true", "false with agent.munchausen"]),
    (["agent.expected_sarsa=true", "policy.name=eps_z_greedy"], ["agent.expected_sarsa=true"]),
    (["agent.ema_decay=1"], ["agent.ema_decay=1", ">= 0 and < 1"]),
    (["agent=keras_rl2", "agent.ema_decay=0.9"], ["agent.ema_decay=0.9", "keras_rl2"]),
    (
        ["agent=dqn", "agent.expected_sarsa=true", "policy=boltzmann"],
        ["agent.expected_sarsa=true", "softmax"],
    ),
    (["video=every_episode", "video.overlay=true"], ["video.overlay=true", "every_episode"]),
    (["agent.dueling=streams", "model.hidden=[]"], ["model.hidden=[]", "agent.dueling=streams"]),
    (["agent.distribution=c51", "agent.v_max=-10"], ["agent.v_min=-10", "agent.v_max=-10"]),
    (["agent.distribution=iqn", "agent.delta_clip=inf"], ["agent.delta_clip=inf", "kappa"]),
    (["agent=rainbw"], ["agent=rainbw", "did you mean rainbow?"]),
    (["memory=sequential", "env.num_envs=4"], ["env.num_envs=4", "memory=sequential"]),
    (["memory.border=crop"], ["memory.border=crop", "pad, redraw"]),
    (["memory=prioritized", "memory.alpha=2"], ["memory.alpha=2", "from 0 to 1"]),
    (["memory=prioritized", "memory.beta_steps=0"], ["memory.beta_steps=0", ">= 1 (steps)"]),
    (["memory=prioritized", "memory.priority_epsilon=0"], ["memory.priority_epsilon=0", "> 0"]),
    (["memory=priority"], ["memory=priority", "did you mean prioritized?"]),
    (["agent.n_step=0"], ["agent.n_step=0", ">= 1 (steps)"]),
    (["agent.n_step=9999"], ["train.warmup=10000", "agent.n_step=9999"]),
    (["memory=sequential", "agent.n_step=3"], ["agent.n_step=3", "1 with memory=sequential"]),
    (
        ["agent=keras_rl2", "memory.border=redraw"],
        ["memory.border=redraw", "memory.name=replay with it"],
    ),
    (["memory.alpha=0.5"], ["memory.alpha=0.5", "memory.name=prioritized with it"]),
    # Missing files.
    (["init_weights=/no/such.weights.h5"], ["init_weights=/no/such.weights.h5", "no such file"]),
    (["init_weights=~nobody_here/w"], ["init_weights=~nobody_here/w", "no such file"]),
    (["env.rom_dir=~nobody_here"], ["env.rom_dir=~nobody_here", "no such folder"]),
    (["env.rom_dir=/no/such"], ["env.rom_dir=/no/such", "no such folder"]),
    (["obs=pixel", "memory.limit=1000000000"], ["memory.limit=1000000000", "GB of memory"]),
]


@pytest.mark.parametrize(("arguments", "parts"), BAD_INPUT, ids=lambda v: " ".join(v)[:50])
def test_bad_input_is_refused_in_one_line(arguments, parts):
    text = refusal(arguments)
    assert all(part in text for part in parts), text


def test_a_folder_without_the_rom_is_refused(tmp_path):
    text = refusal(["env=breakout", f"env.rom_dir={tmp_path}"])
    assert f"env.rom_dir={tmp_path}" in text
    assert "breakout.bin" in text


def test_a_folder_that_cannot_be_created_is_refused(tmp_path):
    file = tmp_path / "file"
    file.touch()
    text = refusal([f"hydra.run.dir={file}/run"])
    assert f"hydra.run.dir={file}/run" in text
    assert "can be written to" in text


def test_a_folder_without_permission_is_refused(tmp_path):
    tmp_path.chmod(0o500)
    if os.access(tmp_path, os.W_OK):
        pytest.skip("root may write anywhere")
    with pytest.raises(UserError, match="can be written to"):
        check_writable(tmp_path / "run", "hydra.run.dir")


def test_checking_a_folder_does_not_create_it(tmp_path):
    checked([f"hydra.run.dir={tmp_path}/a/b"])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("content", "part"),
    [
        (None, "no config.yaml"),
        ("env: [", "cannot be read"),
        ("nonsense: 1", "nonsense: no such setting"),
        ("seed: many", "seed=many: expected"),
        (b"\xff\xfe\x00", "cannot be read"),
    ],
    ids=["missing", "not YAML", "unknown key", "wrong type", "not text"],
)
def test_a_damaged_saved_config_is_refused(tmp_path, content, part):
    if content is not None:
        data = content if isinstance(content, bytes) else content.encode()
        (tmp_path / "config.yaml").write_bytes(data)
    with pytest.raises(UserError) as caught:
        saved.read(tmp_path / "config.yaml")
    assert "\n" not in str(caught.value)
    assert f"run={tmp_path}" in str(caught.value)
    assert part in str(caught.value)


def python(repository, folder, *arguments):
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(repository)},
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_settings_are_checked_without_tensorflow(repository, tmp_path):
    code = (
        "import sys; from runner.settings import compose; "
        "compose.load_run(['env=pong']); "
        "print([m for m in ('tensorflow', 'keras', 'rl') if m in sys.modules])"
    )
    done = python(repository, tmp_path, "-c", code)
    assert (done.stdout, done.stderr) == ("[]\n", "")


def test_bad_input_exits_with_2_and_one_line(repository, tmp_path):
    done = python(repository, tmp_path, "-m", "runner", "env=pogn")
    assert done.returncode == 2
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1
    assert "env=pogn: did you mean pong" in done.stderr
    assert list(tmp_path.iterdir()) == []  # no runs directory
