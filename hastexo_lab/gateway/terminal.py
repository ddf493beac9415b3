"""A login shell in a lab: a pseudo terminal over SSH, its output numbered, as fast as it is read.

Callbacks of asyncssh, no streams and no tasks: bytes go from its decryption into the ring. Beyond the ring's
window the channel is not read, so SSH's own window fills up and the lab's program waits.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping

import asyncssh

from hastexo_lab.gateway.ring import Ring

WINDOW = 256 * 1024  # of output that is not drawn yet, and once more the same in SSH: Ctrl-C must not wait long
RECENT = 64 * 1024  # for those who join later: many screens
PACKET = 4096  # bytes that a packet is taken for
TERM = "xterm-256color"
# sshd passes on what its AcceptEnv lists; LC_* is in it nearly everywhere.
ENVIRONMENT: Mapping[bytes | str, bytes | str] = {"COLORTERM": "truecolor", "LC_CTYPE": "C.UTF-8"}
MODES = {asyncssh.PTY_IUTF8: 1}  # erase whole characters

# It tells every connection's story in ten lines.
if not logging.getLogger("asyncssh").level:
    logging.getLogger("asyncssh").setLevel(logging.WARNING)


class Terminal(asyncssh.SSHClientSession[bytes]):
    """One shell, made by `open_terminal`. `changed` is called when there is more output, and when it is over."""

    _channel: asyncssh.SSHClientChannel[bytes]

    def __init__(self, connection: asyncssh.SSHClientConnection, size: tuple[int, int]) -> None:
        self._connection = connection
        self._paused = False
        self._telling = False
        self.output = Ring(WINDOW, RECENT)
        self.size = size
        self.over = False
        self.broken = False
        """Over because the connection was lost, not by the shell's own end."""
        self.changed: Callable[[], None] | None = None

    # For those who use it.

    def write(self, data: bytes) -> None:
        """Input; lost when it is over."""
        if not self._channel.is_closing():
            self._channel.write(data)

    @property
    def unwritten(self) -> int:
        """Bytes that the lab has not taken yet, about: a lab that opens its window wide and reads nothing, or
        never ends an exchange of keys, must not fill the gateway's memory."""
        connection = self._connection
        transport, deferred = connection._transport, connection._deferred_packets  # nothing public says it
        sent = transport.get_write_buffer_size() if transport is not None else 0
        return self._channel.get_write_buffer_size() + sent + PACKET * len(deferred)

    def resize(self, cols: int, rows: int) -> None:
        """Programs are told (SIGWINCH)."""
        self.size = cols, rows
        if not self._channel.is_closing():
            self._channel.change_terminal_size(cols, rows)

    def credit(self, total: int) -> None:
        """So much of the output has been drawn in all."""
        self.output.credit(total)
        if self._paused and self.output.room:
            self._paused = False
            self._channel.resume_reading()

    def close(self) -> None:
        """Hang up: what runs in the shell gets SIGHUP."""
        self._connection.close()

    # Called by asyncssh.

    def connection_made(self, chan: asyncssh.SSHClientChannel[bytes]) -> None:
        self._channel = chan

    def data_received(self, data: bytes, datatype: asyncssh.DataType) -> None:
        self.output.append(data)
        if not self._paused and not self.output.room:
            self._paused = True
            self._channel.pause_reading()
        self._tell()

    def connection_lost(self, exc: Exception | None) -> None:
        self.over, self.broken = True, exc is not None
        self._connection.close()
        self._tell()

    def _tell(self) -> None:
        """Once for all the small packets of one read."""
        if not self._telling:
            self._telling = True
            asyncio.get_running_loop().call_soon(self._told)

    def _told(self) -> None:
        self._telling = False
        if self.changed is not None:
            self.changed()


async def open_terminal(connection: asyncssh.SSHClientConnection, cols: int, rows: int) -> Terminal:
    """The user's login shell, which owns the connection from now on. Raises asyncssh.Error; that closes it."""
    terminal = Terminal(connection, (cols, rows))
    try:
        await connection.create_session(
            lambda: terminal,
            term_type=TERM,
            term_size=terminal.size,
            term_modes=MODES,
            env=ENVIRONMENT,
            encoding=None,
            window=WINDOW,
        )
    except BaseException:
        connection.close()
        raise
    return terminal
