"""An accepted WebSocket: messages in, messages out, and an end that both sides know.

Text messages are JSON objects with a `type`, binary ones are a stream. One task reads; whoever has something to say
posts it, and it is sent by a task that lives only while there is something to send: an idle page costs no task of
its own but the server's.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, ClassVar
from urllib.parse import urlsplit

from hastexo_lab.conf import lab_settings
from hastexo_lab.gateway.endings import Ended

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

MESSAGE = 256 * 1024  # as much of a stream goes into one message
PONGS = 100  # in a second: a page asks every 10 s
MANY = 256  # messages that wait for the server
PIECE = 4096  # smaller ones of a stream wait as one
PARTING_S = 2.0  # for the last words to a browser that may not be listening
LEFT = 1000  # the close code by which a page says that it will not come back
DEFAULT_PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443}

logger = logging.getLogger("hastexo_lab.gateway")


class Gone(Exception):
    """The browser has left. `code`: its close code, or what the server makes up for a lost connection."""

    def __init__(self, code: int = 1006) -> None:
        super().__init__(code)
        self.code = code


class Socket:
    """One page, in the subprotocol `hastexo-lab.v1`. Another subprotocol is a subclass of this."""

    # Whether a session can be taken up again in this subprotocol.
    resumes: ClassVar[bool] = True

    __slots__ = (
        *("_ending", "_outbox", "_pongs", "_pongs_since", "_pump", "_receive", "_send", "_task", "_waiting"),
        *("backlog", "drawn", "query", "relieved"),
    )

    def __init__(self, receive: Receive, send: Send, query: bytes = b"") -> None:
        self._receive = receive
        self._send = send
        self._outbox: list[str | bytes] = []  # a deque takes 600 bytes even when it is empty
        self._pump: asyncio.Task[None] | None = None
        self._task: asyncio.Task[Any] | None = None
        self._waiting = False
        self._ending: Ended | None = None
        self._pongs = 0
        self._pongs_since = 0.0
        self.query = query
        self.backlog = 0
        """Bytes of the stream that are posted and that the server has not taken yet."""
        self.relieved: Callable[[], None] | None = None
        """Called when everything that was posted has gone."""
        self.drawn: Callable[[int], None] | None = None
        """Called, where the subprotocol knows no `credit`, with how many bytes of the stream are drawn in all."""

    # What the page says.

    async def hello(self) -> dict[str, Any]:
        """The page's `connect`. Raises Ended and Gone."""
        try:
            async with asyncio.timeout(lab_settings().handshake_timeout or None):
                first = await self.receive()
        except TimeoutError:
            raise Ended("protocol", "no connect in time") from None
        told = control(first) if isinstance(first, str) else {}
        if told.get("type") != "connect":
            raise Ended("protocol", "something else before connect")
        return told

    async def receive(self) -> str | bytes:
        """The next message: text or bytes. Raises Gone; and Ended, also when `end` is called meanwhile."""
        if self._ending is not None:
            raise self._ending
        if self._task is None:  # always the server's for this page
            self._task = asyncio.current_task()
        self._waiting = True
        try:
            message = await self._receive()
        except asyncio.CancelledError:
            if self._ending is None or (self._task is not None and self._task.uncancel()):
                raise
            raise self._ending from None
        finally:
            self._waiting = False
        if message["type"] == "websocket.disconnect":
            raise Gone(message.get("code", 1006))
        data: str | bytes | None = message.get("bytes")
        if data is None:
            data = message.get("text")
        if data is None:
            raise Ended("protocol", "a message without content")
        if len(data) > lab_settings().max_message_bytes:
            raise Ended("too-long", f"a message of {len(data)}")
        return data

    # What it is told.

    def tell(self, kind: str, **told: Any) -> None:
        """Post one control message."""
        self._post(json.dumps({"type": kind, **told}))

    def pong(self, **told: Any) -> None:
        """Answer a `ping`. Raises Ended for a flood: not every server holds back who does not listen."""
        now_s = asyncio.get_running_loop().time()
        if now_s - self._pongs_since >= 1:
            self._pongs, self._pongs_since = 0, now_s
        self._pongs += 1
        if self._pongs > PONGS:
            raise Ended("protocol", "a flood of pings")
        self.tell("pong", **told)

    def stream(self, data: bytes) -> None:
        """Post more of the stream; `backlog` says whether the page keeps up."""
        self.backlog += len(data)
        self._post(data)

    def end(self, ended: Ended) -> None:
        """Let `receive` raise this, now or when it is called next. The first reason counts."""
        if self._ending is None:
            self._ending = ended
            if self._waiting and self._task is not None:
                self._task.cancel()

    async def close(self, ended: Ended) -> None:
        """Say why, and close; a browser that does not listen is left after PARTING_S."""
        text, reason = self.farewell(ended)
        closing = {"type": "websocket.close", "code": ended.ending.close_code, "reason": reason}
        self._post(text)
        try:
            async with asyncio.timeout(PARTING_S):
                while self._pump is not None:
                    await asyncio.wait([self._pump])
                await self._tell(closing)
        except (Gone, TimeoutError):
            if self._pump is not None:
                self._pump.cancel()

    def farewell(self, ended: Ended) -> tuple[str, str]:
        """The last message, and the close's reason."""
        told = {"type": "error", "code": ended.word, "status": ended.status, "text": str(ended.ending.text)}
        return json.dumps(told), ended.word

    @property
    def busy(self) -> bool:
        """Is something on its way?"""
        return self._pump is not None

    def _post(self, message: str | bytes) -> None:
        if len(self._outbox) >= MANY:  # a page that asks and does not listen
            self._outbox.clear()
            self.end(Ended("stalled", "too many messages"))
        last = self._outbox[-1] if self._outbox else ""
        if isinstance(message, bytes) and isinstance(last, bytes) and len(last) + len(message) <= PIECE:
            self._outbox[-1] = last + message
        else:
            self._outbox.append(message)
        if self._pump is None:
            self._pump = asyncio.get_running_loop().create_task(self._run())

    async def _run(self) -> None:
        try:
            while self._outbox:
                message = self._next()
                if isinstance(message, str):
                    await self._tell({"type": "websocket.send", "text": message})
                else:
                    await self._tell(self._frame(message))
                    self.backlog -= len(message)
        except Gone:  # `receive` finds it out as well
            self._outbox.clear()
        except Exception:
            logger.exception("the server does not send")
            self._outbox.clear()
            self.end(Ended("failed"))
        finally:
            self._pump = None
        if self.relieved is not None:
            self.relieved()

    def _frame(self, data: bytes) -> dict[str, Any]:
        """One message of the stream, for the server."""
        return {"type": "websocket.send", "bytes": data}

    def _next(self) -> str | bytes:
        """What is sent next; of a stream as much as fits into one message."""
        first = self._outbox.pop(0)
        if isinstance(first, str) or not self._outbox:
            return first
        parts, size = [first], len(first)
        for more in self._outbox:
            size += len(more)
            if isinstance(more, str) or size > MESSAGE:
                break
            parts.append(more)
        del self._outbox[: len(parts) - 1]
        return b"".join(parts) if len(parts) > 1 else first

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
