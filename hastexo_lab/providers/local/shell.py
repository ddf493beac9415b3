"""The hosts' SSH servers: a real shell in a real terminal, commands with their exit codes, and SFTP.

Every user name is let in, by the stack's key or its password: authors name many users, a host has one.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import hmac
import os
import posixpath
import signal
import socket
import struct
import termios
from asyncio.subprocess import PIPE, Process
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncssh

from hastexo_lab.providers.local.children import Children

_CHUNK = 64 * 1024
_IUTF8 = 0o40000  # asm-generic/termbits.h: erase a whole character, not a byte of it
# How long a terminal may be silent, once its shell has ended, until what is left in it is taken as nothing.
_LAST_WORDS_S = 0.3
_GONE = (asyncssh.Error, OSError)
Bytes = asyncssh.SSHServerProcess[bytes]


@dataclass(frozen=True)
class Keys:
    """What the servers prove themselves with, and whom they let in."""

    host_key: asyncssh.SSHKey
    authorized: asyncssh.SSHAuthorizedKeys
    password: str

    @classmethod
    def of(cls, secrets: dict[str, str]) -> Keys:
        """From a folder's secrets."""
        learner = asyncssh.import_private_key(secrets["private_key"])
        return cls(
            asyncssh.import_private_key(secrets["host_key"]),
            asyncssh.import_authorized_keys(learner.export_public_key().decode()),
            secrets["password"],
        )


class _Door(asyncssh.SSHServer):
    def __init__(self, password: str) -> None:
        self._password = password

    def password_auth_supported(self) -> bool:
        return True

    def kbdint_auth_supported(self) -> bool:
        return False

    def validate_password(self, username: str, password: str) -> bool:
        return hmac.compare_digest(password.encode(), self._password.encode())


class _Sftp(asyncssh.SFTPServer):
    """The file system as a shell sees it: a relative path starts at the home."""

    def __init__(self, chan: Any, home: Path) -> None:
        super().__init__(chan)
        self._home = os.fsencode(home)

    def map_path(self, path: bytes) -> bytes:
        return posixpath.join(self._home, path)


async def serve(listening: socket.socket, keys: Keys, shells: Shells) -> asyncssh.SSHAcceptor:
    """Answer on a bound socket.

    The libssh2 of guacd 1.3 signs with SHA-1 (ssh-rsa): asyncssh takes that by default.
    """
    return await asyncssh.listen(
        sock=listening,
        server_factory=lambda: _Door(keys.password),
        server_host_keys=[keys.host_key],
        authorized_client_keys=keys.authorized,
        process_factory=shells.run,
        sftp_factory=lambda chan: _Sftp(chan, shells.home),
        allow_scp=True,
        encoding=None,
        line_editor=False,
        agent_forwarding=False,
        gss_host=None,
        server_version="hastexo_lab",
    )


class Shells:
    """What runs on one host when somebody asks for a shell or a command. `env`: without TERM."""

    def __init__(self, home: Path, env: dict[str, str], children: Children) -> None:
        self.home = home
        self._env = env
        self._children = children

    async def run(self, process: Bytes) -> None:
        """Carry out one request, to its end or the connection's."""
        argv = [self._env["SHELL"], *(["-c", process.command] if process.command else ["-l"])]
        try:
            if process.term_type is not None:
                code = await self._in_terminal(process, argv)
            else:
                code = await self._in_pipes(process, argv)
        except OSError as error:
            process.stderr.write(f"This host cannot start that: {error.strerror}.\r\n".encode())
            code = 126
        if code < 0:
            process.exit_with_signal(signal.Signals(-code).name.removeprefix("SIG"))
        else:
            process.exit(code)

    async def _in_terminal(self, process: Bytes, argv: list[str]) -> int:
        terminal, slave = _Terminal.open()
        terminal.resize(*process.term_size[:2])
        try:
            env = {**self._env, "TERM": process.term_type or "xterm-256color"}
            child = await self._children.start(
                argv, env=env, cwd=self.home, stdin=slave, stdout=slave, stderr=slave, terminal=True
            )
            reader, writer = await terminal.streams()
            out = _Pump(reader, process.stdout)
            into = asyncio.ensure_future(_feed(process, writer, child, terminal))
            try:
                code = await self._end_of(process, child, slave)
                await out.last_words()
            finally:
                out.stop()
                into.cancel()
        finally:
            # What still runs in this terminal gets SIGHUP.
            terminal.close()
        return code

    async def _in_pipes(self, process: Bytes, argv: list[str]) -> int:
        child = await self._children.start(argv, env=self._env, cwd=self.home, stdin=PIPE, stdout=PIPE, stderr=PIPE)
        assert child.stdin
        assert child.stdout
        assert child.stderr
        outs = [_Pump(child.stdout, process.stdout), _Pump(child.stderr, process.stderr)]
        into = asyncio.ensure_future(_feed(process, child.stdin, child))
        try:
            code = await self._end_of(process, child)
            for out in outs:
                await out.task
        finally:
            into.cancel()
            for out in outs:
                out.stop()
        return code

    async def _end_of(self, process: Bytes, child: Process, slave: int | None = None) -> int:
        """The child's exit code. Where the connection ends first, the child is told so by SIGHUP."""
        if slave is not None:
            os.close(slave)
        ended = asyncio.ensure_future(self._children.ended(child))
        left = asyncio.ensure_future(process.wait_closed())
        await asyncio.wait({ended, left}, return_when=asyncio.FIRST_COMPLETED)
        left.cancel()
        if not ended.done():
            _signal(child, signal.SIGHUP)
        return await ended


class _Terminal:
    """The master end of a pseudo-terminal."""

    def __init__(self, master: int) -> None:
        self._master = master
        self._transports: list[asyncio.BaseTransport] = []

    @classmethod
    def open(cls) -> tuple[_Terminal, int]:
        """A terminal and the descriptor of its slave end."""
        master, slave = os.openpty()
        modes = termios.tcgetattr(slave)
        modes[0] |= _IUTF8
        termios.tcsetattr(slave, termios.TCSANOW, modes)
        return cls(master), slave

    def resize(self, columns: int, rows: int) -> None:
        size = struct.pack("HHHH", min(rows or 24, 1000), min(columns or 80, 1000), 0, 0)
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, size)

    async def streams(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        loop = asyncio.get_running_loop()
        reader = asyncio.StreamReader(limit=_CHUNK)
        protocol = asyncio.StreamReaderProtocol(reader)
        reading, _ = await loop.connect_read_pipe(lambda: protocol, os.fdopen(os.dup(self._master), "rb", 0))
        writing, flow = await loop.connect_write_pipe(
            asyncio.streams.FlowControlMixin, os.fdopen(os.dup(self._master), "wb", 0)
        )
        self._transports = [reading, writing]
        return reader, asyncio.StreamWriter(writing, flow, None, loop)

    def close(self) -> None:
        for transport in self._transports:
            transport.abort() if isinstance(transport, asyncio.WriteTransport) else transport.close()
        os.close(self._master)


class _Pump:
    """From a process to the client, as fast as the client takes it."""

    def __init__(self, reader: asyncio.StreamReader, out: asyncssh.SSHWriter[bytes]) -> None:
        self._moved = 0
        self.task = asyncio.ensure_future(self._run(reader, out))

    async def _run(self, reader: asyncio.StreamReader, out: asyncssh.SSHWriter[bytes]) -> None:
        with contextlib.suppress(*_GONE):
            while data := await reader.read(_CHUNK):
                out.write(data)
                await out.drain()
                self._moved += 1

    async def last_words(self) -> None:
        """Wait for the end. A job that lives on in the background may hold it off: silence ends it too."""
        moved = -1
        while not self.task.done() and moved != self._moved:
            moved = self._moved
            await asyncio.wait({self.task}, timeout=_LAST_WORDS_S)

    def stop(self) -> None:
        self.task.cancel()


async def _feed(
    process: Bytes, writer: asyncio.StreamWriter, child: Process, terminal: _Terminal | None = None
) -> None:
    """From the client to a process, as fast as the process takes it."""
    with contextlib.suppress(*_GONE):
        while True:
            try:
                data = await process.stdin.read(_CHUNK)
            except asyncssh.TerminalSizeChanged as now:
                if terminal:
                    terminal.resize(now.width, now.height)
                continue
            except asyncssh.SignalReceived as received:
                _signal(child, getattr(signal, f"SIG{received.signal}", None))
                continue
            except asyncssh.BreakReceived:
                continue
            if not data:
                break
            writer.write(data)
            await writer.drain()
        if terminal is None:
            writer.close()


def _signal(child: Process, number: signal.Signals | None) -> None:
    if number is not None and child.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, number)
