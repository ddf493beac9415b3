"""The gateway as an ASGI application: `hastexo_lab.gateway.asgi:application` for a process of its own.

`gateway_application(http)` puts it in front of another application on one origin. Runs on any ASGI server;
uvicorn and Daphne are tested. Daphne knows no lifespan, so nothing hangs on that.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable
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

GUACD_S = 1.0
DATABASE_S = 3.0

logger = logging.getLogger("hastexo_lab.gateway")


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
    """HTTP status and body. Without guacd the gateway still serves `events`, so that only degrades it."""
    database, guacd = await asyncio.gather(_database_answers(), _guacd_answers())
    status = ("ok" if guacd else "degraded") if database else "unavailable"
    return (200 if database else 503), {
        "status": status,
        "version": __version__,
        "guacd": "ok" if guacd else "unreachable",
        "database": "ok" if database else "unreachable",
    }


async def _answer(send: Send, status: int, told: dict[str, str]) -> None:
    body = json.dumps(told).encode()
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def _lifespan(hub: Hub, receive: Receive, send: Send) -> None:
    while (message := await receive())["type"] != "lifespan.shutdown":
        if message["type"] == "lifespan.startup":
            await send({"type": "lifespan.startup.complete"})
    await hub.drain()
    await send({"type": "lifespan.shutdown.complete"})


def _below(scope: Scope, prefix: str) -> str | None:
    """The path below the prefix, None if it is elsewhere. Not every server has root_path in path."""
    path = scope["path"].removeprefix(scope.get("root_path", ""))
    return path.removeprefix(prefix) if path.startswith(prefix) else None


def gateway_application(http: Application | None = None) -> Application:
    """The gateway below `gateway_prefix`; what is elsewhere goes to `http`, or is not found."""
    hub = Hub()
    doors: Any = URLRouter(routes(hub))

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            return await _lifespan(hub, receive, send)
        below = _below(scope, lab_settings().gateway_prefix)
        if scope["type"] == "websocket":
            if below is None:
                return await no_door(scope, receive, send)
            await doors({**scope, "path_remaining": below}, receive, send)
            return None
        if below == "health" and scope["method"] in ("GET", "HEAD"):
            return await _answer(send, *await health())
        if below is None and http is not None:
            return await http(scope, receive, send)
        return await _answer(send, 404, {"status": "not found"})

    return application


application = gateway_application()
