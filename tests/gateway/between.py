"""A relay between a gateway and a guacd: what the gateway said, and bytes one by one."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

from hastexo_lab.gateway import guacamole

CHUNK = 64 * 1024


class Between:
    """Listens at `port`. `said`: the instructions of all connections from the gateway, without the handshakes."""

    def __init__(self, guacd_port: int, *, byte_by_byte: bool) -> None:
        self._guacd_port = guacd_port
        self._byte_by_byte = byte_by_byte
        self.port = 0
        self.said: list[guacamole.Instruction] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        guacd_reader, guacd_writer = await asyncio.open_connection("127.0.0.1", self._guacd_port)
        parts = [self._up(reader, guacd_writer), self._down(guacd_reader, writer)]
        tasks = [asyncio.create_task(part) for part in parts]
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for each in (writer, guacd_writer):
            each.close()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _up(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        parser, connected = guacamole.Parser(), False
        while data := await reader.read(CHUNK):
            parser.feed(data)
            for instruction in iter(parser.take, None):
                if connected:
                    self.said.append(instruction)
                connected = connected or instruction.opcode == "connect"
            writer.write(data)
            await writer.drain()

    async def _down(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(CHUNK):
            step = 1 if self._byte_by_byte else len(data)
            for at in range(0, len(data), step):
                writer.write(data[at : at + step])
                await writer.drain()
                await asyncio.sleep(0)


@contextlib.asynccontextmanager
async def between(guacd_port: int, *, byte_by_byte: bool = False) -> AsyncIterator[Between]:
    """The relay, listening."""
    relay = Between(guacd_port, byte_by_byte=byte_by_byte)
    server = await asyncio.start_server(relay.serve, "127.0.0.1", 0)
    relay.port = server.sockets[0].getsockname()[1]
    try:
        yield relay
    finally:
        server.close()
