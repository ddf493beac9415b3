"""The floor: a relay of TCP that does nothing else. `python -m benchmarks.rig.relay PORT TO`.

asyncio, on uvloop where that is installed, as uvicorn does it.
"""

from __future__ import annotations

import asyncio
import sys
from typing import cast


class Side(asyncio.Protocol):
    """One of two connections: what comes goes out at the other, no faster than that takes it."""

    def __init__(self, other: Side | None = None, to: int = 0) -> None:
        self.other = other
        self.transport: asyncio.Transport | None = None
        self._to = to
        self._early: list[bytes] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Call on to the other side, or take up what it has said by now."""
        self.transport = cast(asyncio.Transport, transport)
        if self.other is None:
            self._task = asyncio.ensure_future(self._call())
        else:
            self.other.other = self
            self.transport.writelines(self.other._early)

    async def _call(self) -> None:
        await asyncio.get_running_loop().create_connection(lambda: Side(self), "127.0.0.1", self._to)

    def data_received(self, data: bytes) -> None:
        """Pass it on."""
        if self.other is not None and self.other.transport is not None:
            self.other.transport.write(data)
        else:
            self._early.append(data)

    def connection_lost(self, error: Exception | None) -> None:
        """The other ends too."""
        if self.other is not None and self.other.transport is not None:
            self.other.transport.close()

    def pause_writing(self) -> None:
        """Read no more from the other."""
        if self.other is not None and self.other.transport is not None:
            self.other.transport.pause_reading()

    def resume_writing(self) -> None:
        """Read again."""
        if self.other is not None and self.other.transport is not None:
            self.other.transport.resume_reading()


async def main() -> None:
    """For ever."""
    port, to = map(int, sys.argv[1:])
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Side(to=to), "127.0.0.1", port, backlog=4096)
    await server.serve_forever()


if __name__ == "__main__":
    try:
        import uvloop
    except ImportError:
        asyncio.run(main())
    else:
        uvloop.run(main())
