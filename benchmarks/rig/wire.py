"""A connection through a proxy that costs its client next to nothing: what comes is hardly looked at.

A WebSocket with frames made by hand (RFC 6455; a mask of zeros leaves the payload as it is), or plain TCP.
"""

from __future__ import annotations

import json
import socket
import struct
import subprocess
import time
from dataclasses import asdict, dataclass
from typing import Any, Self

TEXT, BINARY, CLOSE, PING, PONG = 0x81, 0x82, 0x88, 0x89, 0x8A


class Refused(Exception):
    """The other side did not let us in, or has hung up."""


@dataclass(frozen=True, kw_only=True)
class Dial:
    """How to reach a stream through one proxy."""

    port: int = 0
    path: str = ""  # "": plain TCP
    subprotocols: tuple[str, ...] = ()
    headers: tuple[str, ...] = ()
    binary: bool = False  # what is said goes in binary messages
    hello: tuple[str, ...] = ()  # said first, as text
    ping: str = "3.nop;"  # said every `ping_s`, as text; "": never
    ping_s: float = 5.0
    credit: str = ""  # how a page says that it has drawn %(step)d more bytes, %(total)d in all
    credit_step: int = 0  # after how many bytes it does; 0: it never does
    typed: str = ""  # what is typed goes as JSON's text in here; "": as it is
    opened: str = "4.sync,1.0;"  # what comes first when it is open: the fake guacd's first frame
    command: tuple[str, ...] = ()  # a program to talk to, instead of a port

    def to_json(self) -> str:
        """For another process."""
        return json.dumps(asdict(self))

    @classmethod
    def of(cls, told: dict[str, Any]) -> Self:
        """The other way round."""
        return cls(**{name: tuple(value) if isinstance(value, list) else value for name, value in told.items()})


def key(keysym: int) -> bytes:
    """The instruction of a key that is pressed."""
    return f"3.key,{len(str(keysym))}.{keysym},1.1;".encode()


def frame(opcode: int, payload: bytes) -> bytes:
    """One message from a client."""
    size = len(payload)
    head = struct.pack("!BB", opcode, 0x80 | size) if size < 126 else struct.pack("!BBH", opcode, 0xFE, size)
    return head + bytes(4) + payload


class Link:
    """One open connection. It blocks until it is told otherwise."""

    def __init__(self, dial: Dial, *, timeout_s: float = 20.0) -> None:
        self.dial = dial
        self.sock, self._program = _reached(dial, timeout_s)
        self._rest = b""
        self._drawn = self._credited = 0
        if dial.path:
            self._upgrade()
        for each in dial.hello:
            self._send(TEXT, each.encode())

    def say(self, data: bytes) -> None:
        """What a user does."""
        self._send(BINARY if self.dial.binary else TEXT, data)

    def type(self, text: str) -> None:
        """What a user types."""
        typed = self.dial.typed
        self.say((typed.replace("%s", json.dumps(text)[1:-1]) if typed else text).encode())

    def ping(self) -> None:
        """What a page says so that it is not taken for dead."""
        if self.dial.ping:
            self._send(TEXT, self.dial.ping.encode())

    def drew(self, count: int) -> None:
        """So many more bytes are drawn: say so when it is time."""
        self._drawn += count
        if self.dial.credit_step and self._drawn - self._credited >= self.dial.credit_step:
            step, self._credited = self._drawn - self._credited, self._drawn
            self._send(TEXT, (self.dial.credit % {"step": step, "total": self._drawn}).encode())

    def payload(self, data: bytes) -> bytes:
        """The content of the frames in what has come; pings are answered. Plain TCP is content only."""
        if not self.dial.path:
            return data
        content, rest, at = [], self._rest + data, 0
        while len(rest) >= at + 2:
            size, begin = rest[at + 1] & 0x7F, at + 2
            if size == 126:
                begin, size = at + 4, int.from_bytes(rest[at + 2 : at + 4], "big")
            elif size == 127:
                begin, size = at + 10, int.from_bytes(rest[at + 2 : at + 10], "big")
            if len(rest) < begin + size:
                break
            if rest[at] == PING:
                self._send(PONG, rest[begin : begin + size])
            elif rest[at] != CLOSE:
                content.append(rest[begin : begin + size])
            at = begin + size
        self._rest = rest[at:]
        return b"".join(content)

    def until(self, mark: bytes, *, timeout_s: float = 20.0) -> None:
        """Read until this has come. Raises TimeoutError, and Refused if the other side hangs up."""
        end, seen = time.monotonic() + timeout_s, self.payload(b"")
        while mark not in seen:
            self.sock.settimeout(max(0.001, end - time.monotonic()))
            data = self.sock.recv(65536)
            if not data:
                raise Refused(f"hung up after {seen[-200:]!r}")
            seen = seen[-len(mark) :] + self.payload(data)

    def close(self) -> None:
        """Leave as a page does that its learner leaves."""
        try:
            if self.dial.path:
                self.sock.settimeout(0.2)
                self._send(CLOSE, struct.pack("!H", 1000))
        except OSError:
            pass  # it has gone already
        self.sock.close()
        if self._program is not None:
            self._program.terminate()
            self._program.wait()

    def _send(self, opcode: int, payload: bytes) -> None:
        self.sock.sendall(frame(opcode, payload) if self.dial.path else payload)

    def _upgrade(self) -> None:
        lines = [
            f"GET {self.dial.path} HTTP/1.1",
            f"Host: 127.0.0.1:{self.dial.port}",
            f"Origin: http://127.0.0.1:{self.dial.port}",
            "Connection: Upgrade",
            "Upgrade: websocket",
            "Sec-WebSocket-Version: 13",
            "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
            *([f"Sec-WebSocket-Protocol: {', '.join(self.dial.subprotocols)}"] if self.dial.subprotocols else []),
            *self.dial.headers,
        ]
        self.sock.sendall("\r\n".join([*lines, "", ""]).encode())
        answer = b""
        while b"\r\n\r\n" not in answer:
            data = self.sock.recv(65536)
            if not data:
                raise Refused("hung up instead of upgrading")
            answer += data
        head, _, self._rest = answer.partition(b"\r\n\r\n")
        if b" 101 " not in head.split(b"\r\n")[0]:
            raise Refused(head.split(b"\r\n")[0].decode())


def _reached(dial: Dial, timeout_s: float) -> tuple[socket.socket, subprocess.Popen[bytes] | None]:
    if dial.command:
        ours, theirs = socket.socketpair()
        with theirs:
            program = subprocess.Popen(dial.command, stdin=theirs, stdout=theirs, stderr=subprocess.DEVNULL)
        return ours, program
    sock = socket.create_connection(("127.0.0.1", dial.port), timeout_s)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock, None


def opened(dial: Dial) -> Link:
    """A connection whose stream has begun. Raises Refused, OSError."""
    link = Link(dial)
    link.until(dial.opened.encode())
    return link
