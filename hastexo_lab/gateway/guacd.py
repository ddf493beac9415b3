"""One user at guacd: from `select` to the end of its stream. A protocol, so that an idle one costs no task."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import cast

from hastexo_lab.conf import lab_settings
from hastexo_lab.gateway import guacamole
from hastexo_lab.gateway.endings import Ended, of_status

RSA_PEM = "-----BEGIN RSA PRIVATE KEY-----"
READS_ALL_KEYS = (1, 5, 0)  # the first announced version that surely does

logger = logging.getLogger("hastexo_lab.gateway")


class HungUp(ConnectionError):
    """guacd closed in the handshake without a word: so it answers a connection id that it does not know."""


class Guacd(asyncio.Protocol):
    """What it says after `ready` goes to `heard`, its end to `lost`."""

    __slots__ = ("_handshake", "_opened", "_paused", "_room", "_transport", "heard", "lost")

    def __init__(self, handshake: guacamole.Handshake) -> None:
        self._handshake: guacamole.Handshake | None = handshake
        self._opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._room: asyncio.Future[None] | None = None
        self._transport: asyncio.Transport | None = None
        self._paused = False
        self.heard: Callable[[bytes], None] | None = None
        self.lost: Callable[[], None] | None = None

    # For the session.

    def begin(self, heard: Callable[[bytes], None], lost: Callable[[], None]) -> None:
        """Hear the stream from its beginning on."""
        self.heard, self.lost = heard, lost
        handshake, self._handshake = self._handshake, None
        if handshake is not None and (rest := handshake.rest()):
            heard(rest)
        self.pause(False)

    def write(self, data: bytes) -> None:
        """Say something, if it still listens."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(data)

    async def room(self) -> None:
        """Wait while it does not take in what was written."""
        if self._room is not None:
            await asyncio.shield(self._room)

    def pause(self, paused: bool) -> None:
        """Whether to hear no more for now: guacd then waits, and with it the lab."""
        if paused != self._paused and self._transport is not None and not self._transport.is_closing():
            self._paused = paused
            (self._transport.pause_reading if paused else self._transport.resume_reading)()

    def drop(self) -> None:
        """Take leave."""
        self.heard = self.lost = None
        stuck = self._room is not None
        self.resume_writing()
        self._opened.cancel()
        if self._transport is None or self._transport.is_closing():
            return
        if stuck:
            self._transport.abort()
        else:
            self._transport.write(guacamole.DISCONNECT)
            self._transport.close()

    async def opened(self) -> None:
        """Wait for `ready`. Raises guacamole.WireError and ConnectionError."""
        await self._opened

    # For the event loop.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin the handshake."""
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is one by its methods only
        if self._handshake is not None:
            self._transport.write(self._handshake.start())

    def data_received(self, data: bytes) -> None:
        """More of the handshake, or of the stream."""
        if self._handshake is None:
            if self.heard is not None:
                self.heard(data)
            return
        try:
            self.write(self._handshake.feed(data))
        except guacamole.WireError as error:
            if not self._opened.done():
                self._opened.set_exception(error)
            return
        if self._handshake.ready:
            self.pause(True)
            if not self._opened.done():
                self._opened.set_result(None)

    def connection_lost(self, exc: Exception | None) -> None:
        """It is over."""
        self.resume_writing()
        if not self._opened.done():
            self._opened.set_exception(HungUp("guacd hung up in the handshake"))
        if self.lost is not None:
            self.lost()

    def pause_writing(self) -> None:
        """It does not take in what was written."""
        self._room = asyncio.get_running_loop().create_future()

    def resume_writing(self) -> None:
        """It does again."""
        if self._room is not None and not self._room.done():
            self._room.set_result(None)
        self._room = None


async def open_guacd(handshake: guacamole.Handshake) -> Guacd:
    """Connect to guacd and shake hands. Raises Ended, and HungUp."""
    host, port = lab_settings().guacd_host, lab_settings().guacd_port
    where, remedy = f"{host}:{port}", "start guacd there, or set guacd_host and guacd_port"
    guacd = Guacd(handshake)
    try:
        async with asyncio.timeout(lab_settings().handshake_timeout or None):
            await asyncio.get_running_loop().create_connection(lambda: guacd, host, port)
            remedy = "see guacd's log; is its plug-in for this protocol installed?"
            await guacd.opened()
    except guacamole.GuacdRefused as refused:
        guacd.drop()
        raise of_status(refused.status, str(refused)) from None
    except HungUp:
        raise
    except (OSError, TimeoutError, guacamole.ProtocolError) as error:
        guacd.drop()
        logger.error("guacd does not answer guacd=%s error=%r remedy=%r", where, str(error) or "timeout", remedy)
        raise Ended("guacd", f"guacd {where}: {type(error).__name__}") from None
    except BaseException:
        guacd.drop()
        raise
    return guacd


def mind_key(key: str, version: tuple[int, int, int], who: str) -> None:
    """Such a guacd takes a key that it cannot read for a locked one, and asks the learner for a passphrase."""
    if key and RSA_PEM not in key and version < READS_ALL_KEYS:
        logger.warning(
            "guacd may not read the lab's key %s remedy=%r",
            who,
            "let the template make an RSA key in PEM form, or run guacd 1.5 or newer",
        )
