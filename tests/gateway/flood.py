"""A guacd that never stops drawing, whatever the user answers: more than any real one would send."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

from hastexo_lab.gateway import guacamole

DRAWING = (guacamole.encode("blob", "1", "A" * 6048) + guacamole.encode("sync", "1")) * 10


async def _serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    parser = guacamole.Parser()
    writer.write(guacamole.encode("args", "VERSION_1_3_0", "hostname"))
    connected = False
    with contextlib.suppress(ConnectionError):
        while not connected and (data := await reader.read(65536)):
            parser.feed(data)
            connected = "connect" in [each.opcode for each in iter(parser.take, None)]
        writer.write(guacamole.encode("ready", "$id"))
        while connected:
            writer.write(DRAWING)
            await writer.drain()
    writer.close()


@contextlib.asynccontextmanager
async def flooding_guacd() -> AsyncIterator[int]:
    """The port at which it listens."""
    server = await asyncio.start_server(_serve, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
