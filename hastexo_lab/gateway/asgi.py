"""The gateway as an ASGI application: `hastexo_lab.gateway.asgi:application` for a process of its own.

`gateway_application(http)` puts it in front of another application on one origin. Runs on any ASGI server;
uvicorn and Daphne are tested. Daphne knows no lifespan, so nothing hangs on that.
"""

from __future__ import annotations

import asyncio
import ctypes
import json
import logging
import signal
import sys
import threading
from collections.abc import Awaitable, Callable
from contextlib import suppress
from types import FrameType
from typing import Any

import django
from django.apps import apps

if not apps.ready:
    django.setup()

from channels.db import database_sync_to_async
from channels.routing import URLRouter
from django.db import Error as DatabaseError
from django.db import connection

from hastexo_lab import __version__
from hastexo_lab.conf import lab_settings
from hastexo_lab.gateway.hub import Hub
from hastexo_lab.gateway.routing import no_door, routes
from hastexo_lab.gateway.socket import Receive, Scope, Send

Application = Callable[[Scope, Receive, Send], Awaitable[None]]

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # malloc.h
SWITCH_S = 0.001
GUACD_S = 1.0
DATABASE_S = 3.0

logger = logging.getLogger("hastexo_lab.gateway")


def _tune() -> None:
    """Make the process one for streams.

    The database's thread hands the interpreter over within a millisecond, not five. And glibc keeps the memory
    of a message for the next one: giving it back and fetching it takes a third of the CPU of a stream. Other C
    libraries have no such function.
    """
    sys.setswitchinterval(SWITCH_S)
    with suppress(AttributeError, OSError):
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(M_TRIM_THRESHOLD, 16 << 20)
        mallopt(M_MMAP_THRESHOLD, 32 << 20)


def _ask_database() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


async def _database_answers() -> bool:
    try:
        async with asyncio.timeout(DATABASE_S):
            await database_sync_to_async(_ask_database)()
    except (DatabaseError, TimeoutError):
        return False
    return True


async def _guacd_answers() -> bool:
    try:
        async with asyncio.timeout(GUACD_S):
            _, writer = await asyncio.open_connection(lab_settings().guacd_host, lab_settings().guacd_port)
    except (OSError, TimeoutError):
        return False
    writer.close()
    return True


async def health() -> tuple[int, dict[str, str]]:
    """HTTP status and body. Without guacd `events` and `shell` still work, so that only degrades it."""
    database, guacd = await asyncio.gather(_database_answers(), _guacd_answers())
    status = ("ok" if guacd else "degraded") if database else "unavailable"
    return (200 if database else 503), {
        "status": status,
        "version": __version__,
        "guacd": "ok" if guacd else "unreachable",
        "database": "ok" if database else "unreachable",
    }


async def readiness(hub: Hub) -> tuple[int, dict[str, str]]:
    """HTTP status and body: whether a balancer should send more pages here."""
    if hub.draining:
        return 503, {"status": "draining"}
    if hub.full:
        return 503, {"status": "full"}
    return (200, {"status": "ok"}) if await _database_answers() else (503, {"status": "no database"})


async def _answer(send: Send, status: int, told: dict[str, str]) -> None:
    body = json.dumps(told).encode()
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


class _Stopping:
    """On SIGTERM first the gateway drains and then the server stops: it would cut its sockets off before.

    A second SIGTERM waits for nobody. Where the signal belongs to nobody, or not to Python, it stays so.
    """

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._known = False
        self._drain: asyncio.Task[None] | None = None

    def watch(self) -> None:
        """See to it from now on; called in the event loop, as often as one likes."""
        if self._known:
            return
        self._known = True
        server = signal.getsignal(signal.SIGTERM)
        if not callable(server) or threading.current_thread() is not threading.main_thread():
            return
        loop = asyncio.get_running_loop()

        def stop(number: int, frame: FrameType | None) -> None:
            if loop.is_closed():
                server(number, frame)
            else:
                loop.call_soon_threadsafe(drain)

        def drain() -> None:
            if self._drain is None:
                self._drain = loop.create_task(self._hub.drain())
                self._drain.add_done_callback(lambda _: server(signal.SIGTERM, None))
            else:
                self._hub.hurry()

        signal.signal(signal.SIGTERM, stop)


async def _lifespan(hub: Hub, stopping: _Stopping, receive: Receive, send: Send) -> None:
    while (message := await receive())["type"] != "lifespan.shutdown":
        if message["type"] == "lifespan.startup":
            stopping.watch()
            await send({"type": "lifespan.startup.complete"})
    await hub.drain()
    await send({"type": "lifespan.shutdown.complete"})


def _below(scope: Scope, prefix: str) -> str | None:
    """The path below the prefix, None if it is elsewhere. Not every server has root_path in path."""
    path = scope["path"].removeprefix(scope.get("root_path", ""))
    return path.removeprefix(prefix) if path.startswith(prefix) else None


def gateway_application(http: Application | None = None) -> Application:
    """The gateway below `gateway_prefix`; what is elsewhere goes to `http`, or is not found."""
    _tune()
    hub = Hub()
    stopping = _Stopping(hub)
    doors: Any = URLRouter(routes(hub))

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            return await _lifespan(hub, stopping, receive, send)
        stopping.watch()
        below = _below(scope, lab_settings().gateway_prefix)
        if scope["type"] == "websocket":
            if below is None:
                return await no_door(scope, receive, send)
            await doors({**scope, "path_remaining": below}, receive, send)
            return None
        if below == "health" and scope["method"] in ("GET", "HEAD"):
            return await _answer(send, *await health())
        if below == "ready" and scope["method"] in ("GET", "HEAD"):
            return await _answer(send, *await readiness(hub))
        if below is None and http is not None:
            return await http(scope, receive, send)
        return await _answer(send, 404, {"status": "not found"})

    return application


application = gateway_application()
