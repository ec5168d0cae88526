"""The lab's server from a browser's view: access and messages."""

from __future__ import annotations

import asyncio
import json
import socket

import numpy as np
import pytest

from runner.errors import UserError

pytestmark = pytest.mark.needs("lab")


@pytest.fixture
def make_lab(load):
    from runner.lab.server import Lab
    from runner.lab.session import Session

    config = load("env=pong", "obs=ram")

    def q_values(states):
        return np.tile(np.arange(6, dtype=np.float32), (len(states), 1))

    return lambda: Lab(lambda: Session(config, q_values, 0), "<title>page</title>", 4)


def talk(lab, conversation):
    """Runs ``conversation(client)`` against the lab on a free port."""
    from aiohttp.test_utils import TestClient, TestServer

    async def run():
        async with TestClient(TestServer(lab.application(), host="127.0.0.1")) as client:
            return await conversation(client)

    return asyncio.run(run())


@pytest.mark.parametrize(
    ("query", "headers", "status"),
    [
        ("", {}, 403),
        ("?token=guessed", {}, 403),
        ("?token={token}", {}, 200),
        ("?token={token}", {"Host": "evil.example:8765"}, 403),
        ("?token={token}", {"Origin": "http://evil.example"}, 403),
    ],
)
@pytest.mark.parametrize("path", ["/", "/game"])
def test_the_lab_requires_its_token(make_lab, path, query, headers, status):
    lab = make_lab()

    async def get(client):
        answer = await client.get(path + query.format(token=lab.token), headers=headers)
        return answer.status

    # A plain HTTP request to /game passes the access checks but fails: it is no WebSocket.
    expected = 400 if path == "/game" and status == 200 else status
    assert talk(lab, get) == expected


def seen(message):
    length = int.from_bytes(message.data[:4], "big")
    return json.loads(message.data[4 : 4 + length])


async def until(viewer, holds):
    for _ in range(200):
        message = await viewer.receive(timeout=10)
        numbers = json.loads(message.data) if isinstance(message.data, str) else seen(message)
        if holds(numbers):
            return numbers
    raise AssertionError("never seen")


def test_two_viewers_have_separate_games(make_lab):
    lab = make_lab()

    async def conversation(client):
        one = await client.ws_connect(f"/game?token={lab.token}")
        other = await client.ws_connect(f"/game?token={lab.token}")
        await one.send_json({"do": "play", "value": False})
        await until(one, lambda n: n.get("playing") is False)
        await one.send_json({"do": "write", "value": [13, 9]})
        assert (await until(one, lambda n: "ram" in n and n["ram"][13] == 9))["past"] >= 0
        running = await until(other, lambda n: n.get("past", 0) > 3)
        assert running["playing"]
        assert running["ram"][13] != 9
        await one.close()
        await until(other, lambda n: n.get("past", 0) > 6)
        await other.close()

    talk(lab, conversation)


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        ('{"do": "write", "value": [128, 0]}', "byte=128: expected an address from 0 to 127"),
        ('{"do": "reset", "value": -1}', "seed=-1: expected"),
        ('{"do": "nonsense"}', "not a command"),
        ('{"do": "rewind", "value": 1e999}', "not a command"),
        ('{"do": "write", "value": [1]}', "not a command"),
        ("[]", "not a command"),
        ("{", "not a command"),
    ],
)
def test_errors_are_shown_on_the_page(make_lab, sent, said):
    lab = make_lab()

    async def conversation(client):
        viewer = await client.ws_connect(f"/game?token={lab.token}")
        await viewer.send_str(sent)
        answer = await until(viewer, lambda n: "error" in n)
        await viewer.send_json({"do": "step"})
        await until(viewer, lambda n: n.get("playing") is False)  # the session continues
        await viewer.close()
        return answer["error"]

    assert said in talk(lab, conversation)


def test_a_port_in_use_is_reported_in_one_line(make_lab):
    from runner.lab.server import serve

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(UserError, match=f"port={port}: expected a free port"):
            serve(make_lab(), port, lambda url: None)


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        (["env=pogn"], "env=pogn: did you mean pong"),
        (["env=pong", "seed=-1"], "seed=-1: expected a number from 0"),
        (["env=pong", "repeat_action_probability=3"], "repeat_action_probability=3"),
        (["env=pong", "epsilon=0.5"], "epsilon=0.5: no such setting"),
        (["env=pong", "pretrained=pong_ram"], "pretrained=pong_ram: expected without env=pong"),
        (["env=pong", "model.builder=a:b"], "model.builder=a:b: expected without env=pong"),
        (["env=pong", "port=70000"], "port=70000: expected an integer from 0 to 65535"),
    ],
)
def test_bad_input_is_refused_before_the_server_starts(typed, said, capsys):
    from runner.lab.__main__ import main

    assert main(typed) == 2
    out, err = capsys.readouterr()
    assert (out, len(err.splitlines())) == ("", 1)
    assert said in err


def test_the_viewer_plays_under_the_rules_that_were_typed(monkeypatch):
    from runner.lab import __main__ as command
    from runner.lab import server

    served = []
    monkeypatch.setattr(server, "serve", lambda lab, *_: served.append(lab))
    assert command.main(["env=pong", "seed=7", "repeat_action_probability=0.5"]) == 0
    game = served[0]._make_session().game
    assert game._env.repeat_action_probability == 0.5
    again = served[0]._make_session().game
    assert np.array_equal(game.ale.getRAM(), again.ale.getRAM())
