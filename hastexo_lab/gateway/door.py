"""Who may come in: the WebSocket of a door from its handshake to its close.

A plain ASGI application (ASGI 3.0, "WebSocket"): no Channels consumer, which costs a thread hop a message.
The browser offers the subprotocols `hastexo-lab.v1` and `ticket.<ticket>`; only the first is answered, so the
ticket stands in no URL and in no log. Text frames carry JSON objects with a `type`.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any, ClassVar
from urllib.parse import urlsplit

from channels.db import database_sync_to_async
from django.db import Error as DatabaseError
from django.http.cookie import parse_cookie

from hastexo_lab.conf import lab_settings
from hastexo_lab.gateway.endings import Ended
from hastexo_lab.gateway.hub import Entry, Hub
from hastexo_lab.models import Stack
from hastexo_lab.tickets import TicketForged, TicketRefused, spend

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

SUBPROTOCOL = "hastexo-lab.v1"
TICKET = "ticket."
MAX_MESSAGE = 64 * 1024
FLUSH_S = 0.1  # Daphne cancels when it stops, and writes what is sent in the next round of its loop
PARTING_S = 2.0  # for the last words to a browser that may not be listening
DEFAULT_PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443}

logger = logging.getLogger("hastexo_lab.gateway")


class Gone(Exception):
    """The browser has left."""


class Socket:
    """An accepted WebSocket: one message in, one message out, and an end that both sides know."""

    def __init__(self, receive: Receive, send: Send) -> None:
        self._receive = receive
        self._send = send

    async def receive(self) -> str | bytes:
        """The next message: text or bytes. Raises Gone, and Ended if it is longer than MAX_MESSAGE."""
        message = await self._receive()
        if message["type"] == "websocket.disconnect":
            raise Gone
        data: str | bytes | None = message.get("bytes")
        if data is None:
            data = message.get("text")
        if data is None:
            raise Ended("protocol", "a message without content")
        if len(data) > MAX_MESSAGE:
            raise Ended("too-long", f"a message of {len(data)}")
        return data

    async def send_bytes(self, data: bytes) -> None:
        """One binary message. Waits while the browser is slow, where the server can tell. Raises Gone."""
        await self._tell({"type": "websocket.send", "bytes": data})

    async def send_json(self, told: Mapping[str, Any]) -> None:
        """One text message. Raises Gone."""
        await self._tell({"type": "websocket.send", "text": json.dumps(told)})

    async def close(self, ended: Ended) -> None:
        """Say why, and close; a browser that does not listen is left after PARTING_S."""
        told = {"type": "error", "code": ended.word, "status": ended.status, "text": str(ended.ending.text)}
        closing = {"type": "websocket.close", "code": ended.ending.close_code, "reason": ended.word}
        try:
            async with asyncio.timeout(PARTING_S):
                await self.send_json(told)
                await self._tell(closing)
        except (Gone, TimeoutError):
            pass

    async def _tell(self, message: MutableMapping[str, Any]) -> None:
        try:
            await self._send(message)
        except (OSError, RuntimeError):
            # The peer has left: OSError by the ASGI specification; RuntimeError from uvicorn after a close.
            raise Gone from None


def control(text: str) -> dict[str, Any]:
    """A text message's object. Raises Ended."""
    try:
        told = json.loads(text)
    except (ValueError, RecursionError):
        raise Ended("protocol", "a text message that is not JSON") from None
    if not isinstance(told, dict) or not isinstance(told.get("type"), str):
        raise Ended("protocol", "a text message that is not an object with a type")
    return told


def whole(value: Any, least: int, most: int) -> int:
    """A whole number from the page, brought into its range. Raises Ended if it is none."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < 2**53:
        raise Ended("protocol", "a number that is none")
    return min(max(int(value), least), most)


def header(scope: Scope, name: bytes) -> str:
    """A header's value, "" if it is not there or there more than once."""
    values = [value for key, value in scope["headers"] if key.lower() == name]
    return values[0].decode("latin-1") if len(values) == 1 else ""


def origin_allowed(origin: str, host: str, allowed: list[str]) -> bool:
    """Is the page from the gateway's own host, or from an origin that the site allows?

    Ports are compared with the default of the origin's scheme filled in: behind a proxy the gateway itself
    cannot know whether the browser used TLS.
    """
    try:
        page, here = urlsplit(origin), urlsplit(f"//{host}")
        default = DEFAULT_PORTS.get(page.scheme)
        same = page.hostname == here.hostname and (page.port or default) == (here.port or default)
    except ValueError:
        return False
    if default is None or not page.hostname:
        return False
    return same or origin.lower() in (each.lower().rstrip("/") for each in allowed)


def admit(text: str, door: str, cookie: str) -> Entry:
    """Spend the ticket; on the database's thread. Raises TicketRefused."""
    ticket, visit = spend(text, door=door, cookie=cookie)
    stack = Stack.objects.select_related("blueprint").filter(pk=ticket.stack).first()
    if stack is None:
        raise TicketForged("There is no such lab any more. Open the page again.")
    return Entry(ticket=ticket, visit=visit.pk, stack=stack)


class Door:
    """An ASGI application for one door. A subclass says what happens behind it in `visit`."""

    name: ClassVar[str]

    def __init__(self, hub: Hub) -> None:
        self.hub = hub

    async def visit(self, socket: Socket, entry: Entry) -> None:
        """Stay until the end. Raises Ended with the reason, or Gone when it is the browser that ends it."""
        raise NotImplementedError

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let one browser in, or say why not."""
        await receive()  # websocket.connect
        origin, host = header(scope, b"origin"), header(scope, b"host")
        if not origin_allowed(origin, host, lab_settings().allowed_origins):
            logger.warning(
                "origin refused door=%s origin=%r host=%r remedy=%r",
                self.name, origin[:200], host[:200], "list the origin in allowed_origins",
            )  # fmt: skip
            return await send({"type": "websocket.close", "code": 4403})
        if SUBPROTOCOL not in scope["subprotocols"]:
            logger.warning("subprotocol refused door=%s", self.name)
            return await send({"type": "websocket.close", "code": 4400})
        await send({"type": "websocket.accept", "subprotocol": SUBPROTOCOL})
        return await self._let_in(scope, Socket(receive, send))

    async def _let_in(self, scope: Scope, socket: Socket) -> None:
        who = "stack=- visit=-"
        try:
            entry = await self._enter(scope)
            who = f"stack={entry.stack.pk} visit={entry.visit} user={entry.ticket.user_id!r}"
            logger.info("entered door=%s %s", self.name, who)
            await self._stay(socket, entry)
        except Gone:
            logger.info("left door=%s %s", self.name, who)
        except Ended as ended:
            logger.info("ended door=%s %s code=%s why=%r", self.name, who, ended.word, ended.why)
            await socket.close(ended)
        except asyncio.CancelledError:
            await socket.close(Ended("reconnect"))
            await asyncio.sleep(FLUSH_S)
            raise
        except Exception:
            logger.exception("failed door=%s %s", self.name, who)
            await socket.close(Ended("failed"))

    async def _enter(self, scope: Scope) -> Entry:
        tickets = [each.removeprefix(TICKET) for each in scope["subprotocols"] if each.startswith(TICKET)]
        cookie = parse_cookie(header(scope, b"cookie")).get(lab_settings().ticket_cookie, "")
        try:
            entry: Entry = await database_sync_to_async(admit)(tickets[0] if tickets else "", self.name, cookie)
        except TicketRefused as refused:
            raise Ended(refused.code) from None
        except DatabaseError as error:
            logger.error("database does not answer door=%s error=%s", self.name, type(error).__name__)
            raise Ended("unavailable") from None
        return entry

    async def _stay(self, socket: Socket, entry: Entry) -> None:
        self.hub.arrive(entry)
        try:
            await self.visit(socket, entry)
        except asyncio.CancelledError:
            self.hub.depart(entry)
            await self.hub.flush()
            raise
        finally:
            self.hub.depart(entry)
