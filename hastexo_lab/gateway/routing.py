"""Which path is which door: for Channels' URLRouter, below the gateway's prefix."""

from __future__ import annotations

import logging
from typing import Any, cast

from django.urls import path, re_path

from hastexo_lab.gateway.desktop import Desktop
from hastexo_lab.gateway.door import SUBPROTOCOL, Receive, Scope, Send, Socket
from hastexo_lab.gateway.endings import Ended
from hastexo_lab.gateway.events import Events
from hastexo_lab.gateway.hub import Hub

logger = logging.getLogger("hastexo_lab.gateway")


async def no_door(scope: Scope, receive: Receive, send: Send) -> None:
    """Say that there is nothing here, in a way that a browser can see."""
    await receive()  # websocket.connect
    logger.info("no such door path=%r", scope["path"][:200])
    subprotocol = SUBPROTOCOL if SUBPROTOCOL in scope["subprotocols"] else None
    await send({"type": "websocket.accept", "subprotocol": subprotocol})
    await Socket(receive, send).close(Ended("no-door"))


def routes(hub: Hub) -> list[Any]:
    """The doors."""
    # Django's types know views only; URLRouter calls what it finds as an ASGI application.
    desktop, events, nothing = cast(Any, Desktop(hub)), cast(Any, Events(hub)), cast(Any, no_door)
    return [path("desktop", desktop), path("events", events), re_path("", nothing)]
