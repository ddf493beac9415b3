"""A browser's page without a browser: the other end of the gateway's subprotocol."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from hastexo_lab.gateway import guacamole

SCREEN = {"width": 800, "height": 600, "dpi": 96, "timezone": "Europe/Berlin"}


class Page:
    """One socket; what has come over it so far."""

    def __init__(self, socket: ClientConnection, *, credits: bool = True, again: bytes = b"") -> None:
        self.socket = socket
        self.texts: list[dict[str, Any]] = []
        self.instructions: list[guacamole.Instruction] = []
        self.received = 0
        self._credits = credits
        self._again = again
        self._silent = False
        self._parser = guacamole.Parser(max_chars=1 << 20, max_elements=1024)
        self._news = asyncio.Condition()
        self._reader = asyncio.create_task(self._read())

    async def _read(self) -> None:
        with contextlib.suppress(ConnectionClosed):
            async for message in self.socket:
                if isinstance(message, str):
                    self.texts.append(json.loads(message))
                    if self._again and self.texts[-1]["type"] == "ready":
                        await self.socket.send(self._again)
                else:
                    await self._draw(message)
                async with self._news:
                    self._news.notify_all()

    async def _draw(self, data: bytes) -> None:
        self.received += len(data)
        self._parser.feed(data)
        for instruction in iter(self._parser.take, None):
            self.instructions.append(instruction)
            if instruction.opcode == "sync" and not self._silent:
                await self.say("sync", instruction.args[0])
        if self._credits and not self._silent:
            await self.tell("credit", bytes=self.received)

    async def tell(self, kind: str, **told: Any) -> None:
        """A text message."""
        with contextlib.suppress(Exception):
            await self.socket.send(json.dumps({"type": kind, **told}))

    async def say(self, *elements: object) -> None:
        """A Guacamole instruction."""
        with contextlib.suppress(Exception):
            await self.socket.send(guacamole.encode(*(str(element) for element in elements)))

    async def type(self, text: str) -> None:
        """Latin-1 text, key by key (X11 keysyms), with Return for a newline."""
        for sign in text:
            await self.press(0xFF0D if sign == "\n" else ord(sign))

    async def press(self, *keysyms: int) -> None:
        """Press these keys one after the other, and let go of them."""
        for keysym in keysyms:
            await self.say("key", keysym, 1)
        for keysym in reversed(keysyms):
            await self.say("key", keysym, 0)

    async def until(self, condition: Any, *, timeout_s: float = 45.0) -> Any:
        """Wait until the condition of this page is true, and return it."""
        async with asyncio.timeout(timeout_s), self._news:
            while not (value := condition(self)):
                if self._reader.done():
                    raise AssertionError(f"closed {self.socket.close_code}: {self.texts}")
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._news.wait(), 0.2)
            return value

    async def text(self, kind: str, *, timeout_s: float = 45.0) -> dict[str, Any]:
        """The latest text message of this type."""
        found = await self.until(lambda p: [t for t in p.texts if t["type"] == kind], timeout_s=timeout_s)
        return found[-1]

    def drawn(self, *opcodes: str) -> int:
        """How many such instructions have come."""
        return sum(instruction.opcode in opcodes for instruction in self.instructions)

    async def closed(self, *, timeout_s: float = 45.0) -> tuple[str, int]:
        """The word of the error and the close code, once the gateway has closed."""
        async with asyncio.timeout(timeout_s):
            await asyncio.wait([self._reader])
        words = [text["code"] for text in self.texts if text["type"] == "error"]
        return (words[-1] if words else ""), self.socket.close_code or 0

    def be_silent(self) -> None:
        """Like a hidden page: read, and say nothing."""
        self._silent = True

    def stop_reading(self) -> None:
        """Like a page that hangs: the kernel's buffers fill up."""
        self._reader.cancel()
        self.socket.transport.pause_reading()
        self.socket.transport.resume_reading = lambda: None  # type: ignore[method-assign]

    def drop(self) -> None:
        """Like a browser that is killed."""
        self.socket.transport.abort()

    async def prompted(self) -> None:
        """Wait for the shell's prompt (see fixtures.SSHD_CONFIG)."""
        await self.until(lambda page: page.drawn("name"))

    async def close(self) -> None:
        await self.socket.close()
        await asyncio.wait([self._reader])


@contextlib.asynccontextmanager
async def opened(
    port: int, ticket: str, *, door: str = "desktop", cookie: str = "", origin: str = "", **options: Any
) -> AsyncIterator[Page]:
    """The page in front of this door. `again`: what it sends again when it is in, before anything else."""
    headers = {"Cookie": f"a=b; csrftoken={cookie}"} if cookie else {}
    async with connect(
        f"ws://127.0.0.1:{port}/hastexo-lab/{door}",
        subprotocols=["hastexo-lab.v1", f"ticket.{ticket}"],  # type: ignore[list-item]
        origin=origin or f"http://127.0.0.1:{port}",  # type: ignore[arg-type]
        additional_headers=headers,
        compression=None,
        max_size=None,
        proxy=None,
    ) as socket:
        page = Page(socket, **options)
        yield page
        await page.close()


@contextlib.asynccontextmanager
async def in_lab(port: int, ticket: str, *, session: str = "", **options: Any) -> AsyncIterator[Page]:
    """A page whose desktop is ready and draws; `session`: which it takes up again."""
    async with opened(port, ticket, **options) as page:
        await page.tell("connect", **SCREEN, **({"session": session} if session else {}))
        await page.text("ready")
        await page.until(lambda p: p.drawn("sync"))
        yield page
