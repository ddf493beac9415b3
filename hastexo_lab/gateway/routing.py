"""Which path is which door: for Channels' URLRouter, below the gateway's prefix."""

from __future__ import annotations

import logging
from typing import Any, cast

from django.urls import re_path

from hastexo_lab.gateway.desktop import Desktop
from hastexo_lab.gateway.door import SUBPROTOCOL
from hastexo_lab.gateway.endings import Ended
from hastexo_lab.gateway.events import Events
from hastexo_lab.gateway.hub import Hub
from hastexo_lab.gateway.shell import ShellDoor
from hastexo_lab.gateway.socket import Receive, Scope, Send, Socket

# What stands behind the door's name is for a balancer: whoever enters one lab should meet one gateway.
KEY = "(?:/(?P<key>.{1,255}))?$"

logger = logging.getLogger("hastexo_lab.gateway")


async def no_door(scope: Scope, receive: Receive, send: Send) -> None:
    """Say that there is nothing here, in a way that a browser can see."""
    await receive()  # websocket.connect
    logger.info("no such door path=%r", scope["path"][:32])  # not more: somebody may have put a ticket there
    subprotocol = SUBPROTOCOL if SUBPROTOCOL in scope["subprotocols"] else None
    await send({"type": "websocket.accept", "subprotocol": subprotocol})
    await Socket(receive, send).close(Ended("no-door"))


def routes(hub: Hub) -> list[Any]:
    """The doors."""
    doors = (Desktop(hub), ShellDoor(hub), Events(hub))
    # Django's types know views only; URLRouter calls what it finds as an ASGI application.
    return [*(re_path(f"^{door.name}{KEY}", cast(Any, door)) for door in doors), re_path("", cast(Any, no_door))]
