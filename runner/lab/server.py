"""The lab's web server: local only, token-protected, one game per viewer."""

from __future__ import annotations

import asyncio
import contextlib
import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from aiohttp import WSMsgType, web

from runner.errors import UserError
from runner.lab.session import Session

HOST: Final = "127.0.0.1"
NAMES: Final = (HOST, "localhost")  # other hosts are rejected (DNS rebinding)
FRAMES_PER_SECOND: Final = 60.0
FASTEST: Final = 8.0  # times real time
VIEWERS: Final = 8  # each has an emulator
MESSAGE: Final = 4096  # largest command in bytes


@dataclass
class _Viewer:
    session: Session
    playing: bool = True
    speed: float = 1.0
    woken: asyncio.Event = field(default_factory=asyncio.Event)


class Lab:
    """The page and its games.

    Args:
        make_session: Creates a viewer's game.
        page: The page as HTML.
        frames_per_step: Emulator frames per step.
    """

    def __init__(
        self, make_session: Callable[[], Session], page: str, frames_per_step: float
    ) -> None:
        self.token = secrets.token_urlsafe(16)
        self._make_session, self._page = make_session, page
        self._seconds = frames_per_step / FRAMES_PER_SECOND
        self._sockets: set[web.WebSocketResponse] = set()

    def application(self) -> web.Application:
        """The application that serves ``/`` and ``/game``."""
        app = web.Application()
        app.add_routes([web.get("/", self._get_page), web.get("/game", self._get_game)])
        app.on_shutdown.append(self._close)
        return app

    async def _close(self, _: web.Application) -> None:
        for socket in set(self._sockets):
            await socket.close(message=b"the server has ended")

    def _check(self, request: web.Request) -> None:
        host = request.host.rpartition(":")[0] or request.host
        origin = request.headers.get("Origin", "")
        ours = host in NAMES and (not origin or origin.partition("//")[2] == request.host)
        typed = request.query.get("token", "")
        if not ours or not secrets.compare_digest(typed.encode(), self.token.encode()):
            raise web.HTTPForbidden(text="open the address that the command printed\n")

    async def _get_page(self, request: web.Request) -> web.Response:
        self._check(request)
        headers = {"Referrer-Policy": "no-referrer", "Cache-Control": "no-store"}
        return web.Response(text=self._page, content_type="text/html", headers=headers)

    async def _get_game(self, request: web.Request) -> web.WebSocketResponse:
        self._check(request)
        socket = web.WebSocketResponse(max_msg_size=MESSAGE, heartbeat=20)
        await socket.prepare(request)
        if len(self._sockets) >= VIEWERS:
            await socket.send_json({"error": f"{VIEWERS} pages are open already: close one"})
            await socket.close()
            return socket
        self._sockets.add(socket)
        try:
            viewer = _Viewer(self._make_session())
            clock = asyncio.create_task(self._play(viewer, socket))
            try:
                async for message in socket:
                    if message.type == WSMsgType.TEXT:
                        await self._do(viewer, socket, message.data)
            finally:
                clock.cancel()
                with contextlib.suppress(asyncio.CancelledError, ConnectionError):
                    await clock
        finally:
            self._sockets.discard(socket)
        return socket

    async def _play(self, viewer: _Viewer, socket: web.WebSocketResponse) -> None:
        """Plays at the viewer's speed and shows every step; waits while paused."""
        loop = asyncio.get_running_loop()
        due = loop.time()
        await self._show(viewer, socket)
        while not socket.closed:
            if not viewer.playing:
                await viewer.woken.wait()
                viewer.woken.clear()
                due = loop.time()
                continue
            due = max(due + self._seconds / viewer.speed, loop.time())
            viewer.session.step()
            await self._show(viewer, socket)
            await asyncio.sleep(max(due - loop.time(), 0.001))

    async def _show(self, viewer: _Viewer, socket: web.WebSocketResponse) -> None:
        numbers, screen = viewer.session.shown()
        numbers |= {"playing": viewer.playing, "speed": viewer.speed}
        head = json.dumps(numbers).encode()
        await socket.send_bytes(len(head).to_bytes(4, "big") + head + screen)

    async def _do(self, viewer: _Viewer, socket: web.WebSocketResponse, text: str) -> None:
        try:
            command = json.loads(text)
            name, value = command["do"], command.get("value")
            answer = COMMANDS[name](viewer, value)
        except UserError as error:
            await socket.send_json({"error": str(error)})
            return
        except (ArithmeticError, LookupError, TypeError, ValueError):  # not from the page
            await socket.send_json({"error": "not a command of this page"})
            return
        if answer is not None:
            await socket.send_json({name: answer})
        if name != "keys":
            await self._show(viewer, socket)


def _set_playing(viewer: _Viewer, value: Any) -> None:
    viewer.playing = bool(value)
    viewer.woken.set()


def _step(viewer: _Viewer, value: Any) -> None:
    viewer.playing = False
    viewer.session.step()


def _rewind(viewer: _Viewer, value: Any) -> None:
    viewer.playing = False
    viewer.session.rewind(int(value))


def _set_speed(viewer: _Viewer, value: Any) -> None:
    viewer.speed = min(max(0.1, float(value)), FASTEST)  # NaN: 0.1


def _take_over(viewer: _Viewer, value: Any) -> None:
    viewer.session.taken_over = bool(value) or viewer.session.q() is None


def _keys(viewer: _Viewer, value: Any) -> None:
    viewer.session.keys = frozenset(str(key) for key in value)


# Commands of the page.
COMMANDS: Final[dict[str, Callable[[_Viewer, Any], Any]]] = {
    "play": _set_playing,
    "step": _step,
    "rewind": _rewind,
    "speed": _set_speed,
    "take_over": _take_over,
    "keys": _keys,
    "reset": lambda viewer, value: viewer.session.reset(None if value is None else int(value)),
    "write": lambda viewer, value: viewer.session.write(int(value[0]), int(value[1])),
    "freeze": lambda viewer, value: viewer.session.freeze(int(value[0]), held=bool(value[1])),
    "probe": lambda viewer, value: {
        "byte": int(value),
        "boxes": viewer.session.probe(int(value)),
    },
}


def serve(lab: Lab, port: int, ready: Callable[[str], None]) -> None:
    """Serves until Ctrl-C.

    Args:
        lab: The lab to serve.
        port: Port on 127.0.0.1; 0: any free port.
        ready: Called with the page's URL.

    Raises:
        UserError: The port is in use.
    """
    asyncio.run(_serve(lab, port, ready))


async def _serve(lab: Lab, port: int, ready: Callable[[str], None]) -> None:
    runner = web.AppRunner(lab.application(), access_log=None, shutdown_timeout=2.0)
    await runner.setup()
    site = web.TCPSite(runner, HOST, port)
    try:
        await site.start()
    except OSError as error:
        await runner.cleanup()
        raise UserError(
            f"port={port}: expected a free port, or 0 for any ({error.strerror})"
        ) from None
    sockets: Any = runner.addresses
    ready(f"http://{HOST}:{sockets[0][1]}/?token={lab.token}")
    try:
        await asyncio.Event().wait()
    finally:
        await runner.cleanup()
