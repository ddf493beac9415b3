"""A guacd that costs next to nothing: `python -m benchmarks.rig.guacd PORT [STREAM…]`.

It replays captured streams, and answers keys. A keysym says what is wanted: from ECHO on a small picture and a
`sync` with that number; below, case × CASE + so many parts of the stream of this case, and an end.
When it is quiet it says `nop` every five seconds, as the real one does.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import re
import socket
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from benchmarks.rig.streams import Stream
from benchmarks.rig.wire import Dial
from tests.gateway.fixtures import free_port, running

CASE, ECHO = 100_000, 10_000_000
ARGS = b"4.args,13.VERSION_1_3_0,8.hostname,4.port;"
READY = b"5.ready,37.$00000000-0000-0000-0000-000000000000;4.size,1.0,4.1024,3.768;" + Dial.opened.encode()
PICTURE = b"3.img,1.3,2.12,1.0,9.image/png,2.10,2.20;4.blob,1.3,240." + b"A" * 240 + b";3.end,1.3;"
NOP = b"3.nop;"
NOP_S, SLICES = 5.0, 50
PRESSED = re.compile(rb"3\.key,\d+\.(\d+),1\.1;")


def echo(keysym: int) -> bytes:
    """What ends the answer to this key."""
    return b"4.sync,8.%08d;" % keysym


def end(keysym: int) -> bytes:
    """What ends the streams that this key asks for. It comes twice: a proxy may cut into one of them."""
    return b"4.sync,13.9%012d;" % keysym


class Guacd:
    """All connections of one process."""

    def __init__(self, streams: list[Stream]) -> None:
        self._streams = [stream.parts() for stream in streams]
        self._quiet: dict[socket.socket, None] = {}
        self._loop = asyncio.get_running_loop()

    async def serve(self, port: int) -> None:
        """For ever."""
        server = socket.create_server(("127.0.0.1", port), backlog=4096)
        server.setblocking(False)
        tasks = {asyncio.create_task(self._say_nop())}
        while True:
            sock, _ = await self._loop.sock_accept(server)
            task = asyncio.create_task(self._attend(sock))
            tasks.add(task)
            task.add_done_callback(tasks.discard)

    async def _attend(self, sock: socket.socket) -> None:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with contextlib.suppress(OSError):
            await self._shake(sock)
            self._quiet[sock] = None
            heard = b""
            while data := await self._loop.sock_recv(sock, 65536):
                heard += data
                whole = heard.rfind(b";") + 1
                for pressed in PRESSED.findall(heard[:whole]):
                    await self._answer(sock, int(pressed))
                heard = heard[whole:]
        self._quiet.pop(sock, None)
        sock.close()

    async def _shake(self, sock: socket.socket) -> None:
        heard = b""
        for mark, answer in ((b"6.select,", ARGS), (b"7.connect,", READY)):
            while mark not in heard:
                data = await self._loop.sock_recv(sock, 65536)
                if not data:
                    raise ConnectionResetError
                heard += data
            await self._loop.sock_sendall(sock, answer)

    async def _answer(self, sock: socket.socket, keysym: int) -> None:
        if keysym >= ECHO:
            await self._loop.sock_sendall(sock, PICTURE + echo(keysym))
            return
        case, count = divmod(keysym, CASE)
        del self._quiet[sock]
        for part in itertools.islice(itertools.cycle(self._streams[case]), count):
            await self._loop.sock_sendall(sock, part)
        await self._loop.sock_sendall(sock, end(keysym) * 2)
        self._quiet[sock] = None

    async def _say_nop(self) -> None:
        while True:
            for number in range(SLICES):
                for sock in list(self._quiet)[number::SLICES]:
                    with contextlib.suppress(OSError):
                        sock.send(NOP)
                await asyncio.sleep(NOP_S / SLICES)


@contextlib.contextmanager
def running_fake(folder: Path, streams: Iterable[Stream] = ()) -> Iterator[int]:
    """The port of one in a process of its own."""
    port = free_port()
    command = [sys.executable, "-m", "benchmarks.rig.guacd", str(port), *(str(stream.path) for stream in streams)]
    with running(command, port, folder / f"fake-guacd-{port}.log"):
        yield port


async def main() -> None:
    """See the module."""
    await Guacd([Stream(Path(name)) for name in sys.argv[2:]]).serve(int(sys.argv[1]))


if __name__ == "__main__":
    asyncio.run(main())
