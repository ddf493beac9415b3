"""The door `desktop`: a terminal or a desktop, drawn by guacd.

    page    {"type": "connect", "width": px, "height": px, "dpi": n,
             "timezone": IANA, "image": [type], "audio": [type]}
    gateway {"type": "ready"}, then binary messages: guacd's bytes as they were read, cut anywhere
    page    binary messages: Guacamole instructions, cut anywhere; {"type": "credit", "bytes": drawn in all};
            {"type": "ping"} every 10 s, answered by {"type": "pong"}
    gateway {"type": "error", "code": word, "status": Guacamole status, "text": sentence}, then the close

Towards the browser nothing is parsed. From the browser everything is, and only the instructions of an
allow-list go on: that is where rights are enforced.
"""

from __future__ import annotations

import asyncio
import logging
import re
from contextlib import suppress
from datetime import datetime
from typing import Any, ClassVar

from hastexo_lab.conf import lab_settings
from hastexo_lab.gateway import guacamole
from hastexo_lab.gateway.arguments import arguments
from hastexo_lab.gateway.door import Door, Socket, control, whole
from hastexo_lab.gateway.endings import Ended, of_status
from hastexo_lab.gateway.hub import Entry, Guest, Hub
from hastexo_lab.gateway.relay import Window, together
from hastexo_lab.models import Stack
from hastexo_lab.phases import Phase
from hastexo_lab.secretbox import SecretsUnreadable

CHUNK = 64 * 1024
WINDOW = 2 * 1024 * 1024
TAIL = 4096  # enough for guacd's last words
HELLO_S = 10.0
HANDSHAKE_S = 10.0
STALLED_S = 30.0
# Browsers wake a hidden page once a minute only; a dead one is found sooner by the server's WebSocket ping.
SILENT_S = 150.0
NOP_S = 5.0  # guacd drops a user after 15 s of silence
GUACD_SILENT_S = 60.0  # guacd itself speaks every 5 s

TIMEZONE = re.compile(r"[A-Za-z0-9+_-]{1,32}(/[A-Za-z0-9+_-]{1,32}){0,2}", re.ASCII)
IMAGES = ("image/png", "image/jpeg", "image/webp")
AUDIO = ("audio/L8", "audio/L16")
RSA_PEM = "-----BEGIN RSA PRIVATE KEY-----"
READS_ALL_KEYS = (1, 5, 0)  # the first announced version that surely does

logger = logging.getLogger("hastexo_lab.gateway")


def screen_of(told: dict[str, Any]) -> guacamole.Screen:
    """The page's `connect` as a screen, with everything brought into its range. Raises Ended."""
    if told["type"] != "connect":
        raise Ended("protocol", "something else before connect")
    timezone, image, audio = told.get("timezone", ""), told.get("image", []), told.get("audio", [])
    if not isinstance(timezone, str) or not isinstance(image, list) or not isinstance(audio, list):
        raise Ended("protocol", "a connect of another shape")
    return guacamole.Screen(
        width=whole(told.get("width"), 100, 8192),
        height=whole(told.get("height"), 100, 8192),
        dpi=whole(told.get("dpi", 96), 48, 384),
        timezone=timezone if TIMEZONE.fullmatch(timezone) else "",
        image=tuple(each for each in IMAGES if each in image) or IMAGES[:2],
        audio=tuple(each for each in AUDIO if each in audio),
    )


async def _hello(socket: Socket) -> guacamole.Screen:
    try:
        async with asyncio.timeout(HELLO_S):
            first = await socket.receive()
    except TimeoutError:
        raise Ended("protocol", "no connect in time") from None
    if isinstance(first, bytes):
        raise Ended("protocol", "bytes before connect")
    return screen_of(control(first))


async def open_guacd(handshake: guacamole.Handshake) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Connect to guacd and shake hands. Raises Ended."""
    host, port = lab_settings().guacd_host, lab_settings().guacd_port
    where, remedy = f"{host}:{port}", "start guacd there, or set guacd_host and guacd_port"
    writer: asyncio.StreamWriter | None = None
    try:
        async with asyncio.timeout(HANDSHAKE_S):
            reader, writer = await asyncio.open_connection(host, port, limit=CHUNK)
            remedy = "see guacd's log; is its plug-in for this protocol installed?"
            await shake(handshake, reader, writer)
    except guacamole.GuacdRefused as refused:
        _drop(writer)
        raise of_status(refused.status, str(refused)) from None
    except (OSError, TimeoutError, guacamole.ProtocolError) as error:
        _drop(writer)
        logger.error("guacd does not answer guacd=%s error=%r remedy=%r", where, str(error) or "timeout", remedy)
        raise Ended("guacd", f"guacd {where}: {type(error).__name__}") from None
    except BaseException:
        _drop(writer)
        raise
    return reader, writer


async def shake(handshake: guacamole.Handshake, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Carry the handshake out. Raises guacamole.WireError, and ConnectionError when guacd hangs up."""
    writer.write(handshake.start())
    while not handshake.ready:
        data = await reader.read(CHUNK)
        if not data:
            raise ConnectionResetError("guacd hung up in the handshake")
        if reply := handshake.feed(data):
            writer.write(reply)
            await writer.drain()


def _mind_key(key: str, version: tuple[int, int, int], stack: int) -> None:
    """Such a guacd takes a key that it cannot read for a locked one, and asks the learner for a passphrase."""
    if key and RSA_PEM not in key and version < READS_ALL_KEYS:
        logger.warning(
            "guacd may not read the lab's key stack=%s remedy=%r",
            stack,
            "let the template make an RSA key in PEM form, or run guacd 1.5 or newer",
        )


def _drop(writer: asyncio.StreamWriter | None) -> None:
    if writer is not None and not writer.is_closing():
        writer.write(guacamole.DISCONNECT)
        writer.close()


class Session(Guest):
    """One browser and one connection to guacd, from `ready` to the end."""

    def __init__(
        self,
        entry: Entry,
        hub: Hub,
        socket: Socket,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        super().__init__(entry)
        self._hub = hub
        self._socket = socket
        self._reader = reader
        self._writer = writer
        self._clock = asyncio.get_running_loop().time
        self._parser = guacamole.Parser()
        read_only = entry.ticket.read_only
        self._allowed = guacamole.READ_ONLY_OPCODES if read_only else guacamole.USER_OPCODES
        self._acts = guacamole.ACTIVE_OPCODES & self._allowed
        self._window = Window(WINDOW)
        self._blocked = False
        self._tail = b""
        self._heard_at = self._passed_on_at = self._moved_at = self._clock()

    async def run(self, rest: bytes) -> None:
        """Carry bytes both ways until an end. `rest`: what guacd has said already. Raises Ended or Gone."""
        self._hub.join(self)
        try:
            await self._socket.send_json({"type": "ready"})
            await together(self._down(rest), self._up(), self.ended())
        finally:
            self._hub.part(self)
            _drop(self._writer)

    def see(self, stack: Stack, now: datetime) -> None:
        """A lab that is no longer up, or is another one by now, ends the session."""
        if stack.phase in (Phase.SUSPENDING, Phase.ASLEEP, Phase.RESUMING):
            self.end("asleep")
        elif stack.phase != Phase.UP or stack.generation != self.entry.stack.generation:
            self.end("not-up")

    def tick(self, now_s: float) -> None:
        """Speak to guacd for a silent page, and end what has died."""
        if self._blocked and now_s - self._moved_at > STALLED_S:
            self.end("stalled")
        elif not self._blocked and now_s - self._moved_at > GUACD_SILENT_S:
            self.end("lost", "guacd is silent")
        elif now_s - self._heard_at > SILENT_S:
            self.end("silent")
        elif now_s - self._passed_on_at >= NOP_S and not self._writer.is_closing():
            self._passed_on_at = now_s
            self._writer.write(guacamole.NOP)

    async def _down(self, data: bytes) -> None:
        """From guacd to the browser."""
        while data or not self._reader.at_eof():
            if data:
                self._moved_at = self._clock()
                self._tail = data[-TAIL:] if len(data) >= TAIL else (self._tail + data)[-TAIL:]
                self._blocked = True
                self._window.sent(len(data))
                await self._socket.send_bytes(data)
                if guacamole.has_ended(self._tail):
                    break
                await self._window.room()
                self._blocked = False
            with suppress(OSError):
                data = await self._reader.read(CHUNK)
        raise self._farewell()

    def _farewell(self) -> Ended:
        words = guacamole.last_words(self._tail)
        if words is None:
            logger.error("guacd broke off stack=%s visit=%s", self.entry.stack.pk, self.entry.visit)
            return Ended("lost", "guacd broke off")
        text, status = words
        if not status:
            return Ended("lab-ended")
        return of_status(status, text)

    async def _up(self) -> None:
        """From the browser to guacd."""
        while True:
            message = await self._socket.receive()
            self._heard_at = self._clock()
            if isinstance(message, str):
                await self._obey(control(message))
            elif out := self._filter(message):
                self._passed_on_at = self._heard_at
                self._writer.write(out)
                with suppress(ConnectionError):  # `_down` knows why
                    await self._writer.drain()

    def _filter(self, data: bytes) -> bytes:
        """Of what the browser says, that which may go on. Raises Ended if it is not the protocol."""
        passed = []
        try:
            self._parser.feed(data)
            while instruction := self._parser.take():
                if instruction.opcode in self._allowed:
                    passed.append(instruction.text)
                    if instruction.opcode in self._acts:
                        self._hub.active(self.entry.stack.pk)
        except guacamole.ProtocolError as error:
            raise Ended("protocol", str(error)) from None
        return "".join(passed).encode()

    async def _obey(self, told: dict[str, Any]) -> None:
        if told["type"] == "credit":
            if self._window.credit(whole(told.get("bytes"), 0, 2**53)):
                self._moved_at = self._clock()
        elif told["type"] == "ping":
            await self._socket.send_json({"type": "pong"})
        else:
            raise Ended("protocol", "an unknown type of message")


class Desktop(Door):
    """See the module."""

    name: ClassVar[str] = "desktop"

    async def visit(self, socket: Socket, entry: Entry) -> None:
        """Raises Ended or Gone."""
        if entry.stack.phase != Phase.UP:
            raise Ended("asleep" if entry.stack.phase == Phase.ASLEEP else "not-up", entry.stack.phase)
        screen = await _hello(socket)
        try:
            values = arguments(entry.ticket, entry.stack)
        except SecretsUnreadable as error:
            logger.error("secrets cannot be read stack=%s error=%r", entry.stack.pk, str(error))
            raise Ended("failed") from None
        except KeyError:
            raise Ended("failed", "an unknown protocol in the ticket") from None
        handshake = guacamole.Handshake(entry.ticket.protocol, screen, values, entry.ticket.user_name)
        reader, writer = await open_guacd(handshake)
        _mind_key(values.get("private-key", ""), handshake.version, entry.stack.pk)
        try:
            await Session(entry, self.hub, socket, reader, writer).run(handshake.rest())
        except ConnectionError:
            raise Ended("lost", "guacd broke off") from None
        finally:
            _drop(writer)
