"""A few lines of Guacamole's protocol: enough to open a connection through a real guacd, look and type."""

from __future__ import annotations

import asyncio
from collections import Counter
from types import TracebackType

ENTER = 0xFF0D
DRAWS = {"img", "png", "blob"}


def encode(*elements: str) -> bytes:
    """One instruction: each element with its length in code points."""
    return (",".join(f"{len(each)}.{each}" for each in elements) + ";").encode()


class Guacd:
    """One connection. `seen` counts the instructions that came, by opcode."""

    def __init__(self, port: int, protocol: str, values: dict[str, str]) -> None:
        self._port, self._protocol, self._values = port, protocol, values
        self.seen: Counter[str] = Counter()
        self._reading: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Guacd:
        self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port)
        self._writer.write(encode("select", self._protocol))
        opcode, *names = await self._instruction()
        assert opcode == "args", opcode
        values = [names[0], *(self._values.get(name, "") for name in names[1:])]
        self._writer.write(encode("size", "1024", "768", "96") + encode("audio") + encode("video"))
        self._writer.write(encode("image", "image/png") + encode("connect", *values))
        opcode, *_ = await self._instruction()
        assert opcode == "ready", opcode
        self._reading = asyncio.ensure_future(self._follow())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        assert self._reading
        self._reading.cancel()
        self._writer.close()

    async def drawn(self, within_s: float = 60) -> None:
        """Something is drawn, and guacd says that the frame is whole."""
        async with asyncio.timeout(within_s):
            while not (DRAWS & set(self.seen) and self.seen["sync"] > 1):
                assert not self.seen["error"], self.seen
                await asyncio.sleep(0.05)

    def type(self, text: str) -> None:
        """Press the keys of an ASCII text (keysyms are its codes), then Enter."""
        for keysym in [*map(ord, text), ENTER]:
            for pressed in "10":
                self._writer.write(encode("key", str(keysym), pressed))

    async def _follow(self) -> None:
        while True:
            opcode, *arguments = await self._instruction()
            self.seen[opcode] += 1
            if opcode == "sync":
                self._writer.write(encode("sync", *arguments))

    async def _instruction(self) -> list[str]:
        elements: list[str] = []
        while True:
            length = int((await self._reader.readuntil(b"."))[:-1])
            value = ""
            while len(value) < length:
                # ASCII but for names and clipboards, which these tests do not use.
                value += (await self._reader.readexactly(length - len(value))).decode()
            elements.append(value)
            if await self._reader.readexactly(1) == b";":
                return elements
