"""The other end of the door `shell`: a page with a terminal, and labs that the test itself runs."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Callable, MutableMapping
from dataclasses import dataclass, field
from typing import Any

import asyncssh
from websockets.asyncio.client import ClientConnection, connect

from hastexo_lab.gateway.socket import Socket
from hastexo_lab.models import Stack
from tests.gateway import labs
from tests.gateway.fixtures import LabHost
from tests.gateway.page import Page

SIZE = {"cols": 100, "rows": 30}
PASSWORD = "pa55;,"


class TerminalPage(Page):
    """Draws at once, and keeps every byte."""

    def __init__(self, socket: ClientConnection, *, credits: bool = True, received: int = 0) -> None:
        self.output = bytearray()
        super().__init__(socket, credits=credits)
        self.received = received

    async def _draw(self, data: bytes) -> None:
        self.output += data
        self.received += len(data)
        if self._credits and not self._silent:
            await self.credit()

    async def credit(self) -> None:
        """Say that everything is drawn."""
        await self.tell("credit", bytes=self.received)

    def draw_from_now_on(self) -> None:
        """After `credits=False`."""
        self._credits = True

    async def type(self, text: str | bytes) -> None:
        await self.socket.send(text.encode() if isinstance(text, str) else text)

    async def shows(self, text: str | bytes, *, timeout_s: float = 45.0) -> None:
        """Wait until this stands in the output."""
        wanted = text.encode() if isinstance(text, str) else text
        await self.until(lambda page: wanted in page.output, timeout_s=timeout_s)

    async def prompted(self, *, timeout_s: float = 45.0) -> None:
        """Wait for a prompt behind all other output."""
        await self.until(lambda page: page.output.rfind(b"$ ") > page.output.rfind(b"\n"), timeout_s=timeout_s)

    async def run(self, command: str) -> str:
        """What a command prints, once the shell prompts again."""
        await self.prompted()
        before = len(self.output)
        await self.type(f"echo '<'; {command}; echo '>'\n")
        await self.until(lambda page: b"\n>\r\n" in page.output[before:])
        await self.prompted()
        return self.output[before:].decode().partition("\r<\r\n")[2].partition(">\r\n")[0]


@contextlib.asynccontextmanager
async def opened(
    port: int, ticket: str, *, credits: bool = True, received: int = 0, key: str = ""
) -> AsyncIterator[TerminalPage]:
    """The page in front of the door; it leaves as a closed tab does."""
    async with connect(
        f"ws://127.0.0.1:{port}/hastexo-lab/shell{key and '/' + key}",
        subprotocols=["hastexo-lab.v1", f"ticket.{ticket}"],  # type: ignore[list-item]
        origin=f"http://127.0.0.1:{port}",  # type: ignore[arg-type]
        compression=None,
        max_size=None,
        proxy=None,
    ) as socket:
        page = TerminalPage(socket, credits=credits, received=received)
        yield page
        await page.close()


@contextlib.asynccontextmanager
async def in_shell(
    port: int, ticket: str, *, session: str = "", received: int = 0, credits: bool = True, **size: int
) -> AsyncIterator[TerminalPage]:
    """The page once it is in the lab; `session` and `received`: it takes this up again, from there."""
    async with opened(port, ticket, credits=credits, received=received) as page:
        again = {"session": session, "received": received} if session else {}
        await page.tell("connect", **{**SIZE, **size}, **again)
        await page.text("ready")
        yield page


def lab_of(host: LabHost, *, key: str = "rsa", **known: Any) -> Stack:
    """A lab whose host is a real sshd."""
    return labs.lab(secrets={"private_key": host.keys[key]}, **known)


def ticket_to(stack: Stack, host: LabHost, **said: Any) -> str:
    """A ticket into it by the door `shell`."""
    return labs.ticket(stack, **{"door": "shell", "port": host.port, "login": host.user, **said})


@dataclass
class Asked:
    """What an SSH server of the test's own was asked for."""

    port: int
    passwords: list[str] = field(default_factory=list)
    processes: list[asyncssh.SSHServerProcess[bytes]] = field(default_factory=list)
    sizes: list[tuple[int, int]] = field(default_factory=list)
    input: bytearray = field(default_factory=bytearray)

    async def until_told(self, text: bytes) -> None:
        """Wait until this has been typed."""
        async with asyncio.timeout(15):
            while text not in self.input:
                await asyncio.sleep(0.01)

    def serve(self) -> Any:
        asked = self

        class Server(asyncssh.SSHServer):
            def password_auth_supported(self) -> bool:
                return True

            def validate_password(self, username: str, password: str) -> bool:
                asked.passwords.append(password)
                return password == PASSWORD

        return Server

    async def shell(self, process: asyncssh.SSHServerProcess[bytes]) -> None:
        """A shell that prompts, and hears."""
        self.processes.append(process)
        process.stdout.write(b"$ ")
        with contextlib.suppress(asyncssh.Error, OSError):
            while not process.stdin.at_eof():
                try:
                    self.input += await process.stdin.read(65536)
                except asyncssh.TerminalSizeChanged as size:
                    self.sizes.append((size.width, size.height))


class Wire:
    """What a server would have sent to a page that says one thing, and then nothing."""

    def __init__(self) -> None:
        self.said = ['{"type": "ping"}']
        self.sent = bytearray()
        self.socket = Socket(self._receive, self._send)

    async def _receive(self) -> dict[str, Any]:
        if self.said:
            return {"type": "websocket.receive", "text": self.said.pop()}
        return await asyncio.get_running_loop().create_future()  # type: ignore[no-any-return]

    async def _send(self, message: MutableMapping[str, Any]) -> None:
        self.sent += message.get("bytes", b"")

    async def until(self, condition: Callable[[], object]) -> None:
        async with asyncio.timeout(15):
            while not condition():
                await asyncio.sleep(0.01)


@contextlib.asynccontextmanager
async def ssh_host(
    *, port: int = 0, keys: list[asyncssh.SSHKey] | None = None, window: int = 2 << 20
) -> AsyncIterator[Asked]:
    """A lab's SSH server in the test's own process; it lets PASSWORD in."""
    asked = Asked(port)
    server = await asyncssh.listen(
        "127.0.0.1",
        port,
        server_factory=asked.serve(),
        server_host_keys=keys or [asyncssh.generate_private_key("ssh-ed25519")],
        process_factory=asked.shell,
        encoding=None,
        line_editor=False,
        window=window,
        reuse_address=True,
    )
    async with server:
        asked.port = server.get_port()
        yield asked


def rss_mib(pid: int) -> float:
    """A process's memory."""
    with open(f"/proc/{pid}/statm") as statm:
        return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20
