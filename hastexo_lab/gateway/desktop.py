"""The door `desktop`: a terminal or a desktop, drawn by guacd.

    page    {"type": "connect", "session"?: id, "width": px, "height": px, "dpi": n,
             "timezone": IANA, "image": [type], "audio": [type]}
    gateway {"type": "ready", "session": id, "hold": s, "resumed": bool, "taken": n},
            then binary messages: guacd's bytes as they were read, cut anywhere
    page    binary messages: Guacamole instructions, cut anywhere; {"type": "credit", "bytes": drawn in all};
            {"type": "ping"} every 10 s, answered by {"type": "pong", "taken": n}
    gateway {"type": "error", "code": word, "status": Guacamole status, "text": sentence}, then the close

Other clients speak the subprotocol `guacamole`: see stock.py. Towards the browser nothing is parsed. From the
browser everything is, and only the instructions of an allow-list go on: that is where rights are enforced.

Resuming and looking in are one thing to guacd: another user joins the connection by its id, and gets the whole
screen. The connection lasts for as long as any user does, so a session that is held keeps its own.
"""

from __future__ import annotations

import asyncio
import re
from typing import Any, ClassVar

from channels.db import database_sync_to_async
from django.db import Error as DatabaseError

from hastexo_lab.gateway import guacamole, handover
from hastexo_lab.gateway.arguments import arguments, rights
from hastexo_lab.gateway.door import SUBPROTOCOL
from hastexo_lab.gateway.endings import Ended, of_status
from hastexo_lab.gateway.guacd import Guacd, HungUp, mind_key, open_guacd
from hastexo_lab.gateway.hub import Entry, Hub
from hastexo_lab.gateway.relay import Window
from hastexo_lab.gateway.sessions import Session, StreamDoor, logger
from hastexo_lab.gateway.socket import MESSAGE, Socket, whole
from hastexo_lab.gateway.stock import STOCK, Stock

WINDOW = 2 * 1024 * 1024 - MESSAGE  # and one read more
TAIL = 1024  # enough for guacd's last words, and a scroll bar drawn behind them
STALLED_S = 30.0
# guacd draws for all users of a connection at once, and waits for the slowest: the learner's must not.
LOOKER_STALLED_S = 1.0
SPOKEN_S = 1.0  # of silence after what looks like the last words
# guacd says `ready` before it counts a user in, and ends a connection that has none.
LINGER_S = 2.0
NOP_S = 5.0  # guacd drops a user after 15 s of silence
GUACD_SILENT_S = 60.0  # guacd itself speaks every 5 s

TIMEZONE = re.compile(r"[A-Za-z0-9+_-]{1,32}(/[A-Za-z0-9+_-]{1,32}){0,2}", re.ASCII)
IMAGES = ("image/png", "image/jpeg", "image/webp")
AUDIO = ("audio/L8", "audio/L16")


def screen_of(told: dict[str, Any]) -> guacamole.Screen:
    """The page's `connect` as a screen, with everything brought into its range. Raises Ended."""
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


async def join(connection: str, screen: guacamole.Screen, entry: Entry) -> Guacd | None:
    """Another user of a connection that is open; None if it is no longer. Raises Ended."""
    ticket = entry.ticket
    handshake = guacamole.Handshake(connection, screen, rights(ticket.read_only), ticket.user_name)
    try:
        return await open_guacd(handshake)
    except HungUp:
        return None


class Drawing(Session):
    """A connection at guacd, and the page that shows it."""

    hands_over: ClassVar[bool] = True

    __slots__ = (
        *("_acts", "_allowed", "_blocked", "_guacd", "_moved_at", "_parser", "_passed_on_at", "_tail", "_window"),
        "connection",
    )

    def __init__(self, hub: Hub, entry: Entry, guacd: Guacd, connection: str, session_id: str = "") -> None:
        super().__init__(hub, entry, session_id)
        self._guacd = guacd
        self.connection = connection
        self._parser = guacamole.Parser()
        read_only = entry.ticket.read_only
        self._allowed = guacamole.READ_ONLY_OPCODES if read_only else guacamole.USER_OPCODES
        self._acts = guacamole.ACTIVE_OPCODES & self._allowed
        self._window = Window(WINDOW)
        self._tail = b";"
        self._passed_on_at = self._moved_at = self.clock()
        self._blocked = False

    def begin(self, *, resumed: bool) -> None:
        """Tell the page that it is in the lab, and show what guacd draws from now on."""
        self._window, self._tail, self._blocked = Window(WINDOW), b";", False
        self._passed_on_at = self._moved_at = self.clock()
        if self.socket is not None:
            self.socket.relieved, self.socket.drawn = self._flow, self.credit
        self.ready(resumed=resumed)
        self._note(taken=None)
        self._guacd.begin(self._draw, self._broke)

    # The lab's side.

    def _draw(self, data: bytes) -> None:
        self._moved_at = self.clock()
        self._tail = data[-TAIL:] if len(data) >= TAIL else (self._tail + data)[-TAIL:]
        if self.socket is not None:
            self._window.sent(len(data))
            self.socket.stream(data)
            self._flow()
        if guacamole.last_words(self._tail):
            self._guacd.write(guacamole.NOP)  # it hangs up only when it is spoken to

    def _broke(self) -> None:
        self.finish(self._farewell())

    def _farewell(self) -> Ended:
        words = guacamole.last_words(self._tail)
        if words is None:
            logger.error("guacd broke off %s", self.entry)
            return Ended("lost", "guacd broke off")
        text, status = words
        if not status:
            return Ended("lab-ended")
        return of_status(status, text)

    def _flow(self) -> None:
        """Hear guacd as far as the page keeps up; one that nobody looks at is heard and forgotten."""
        socket = self.socket
        blocked = socket is not None and not (self._window.room and socket.backlog < MESSAGE)
        if blocked != self._blocked:
            self._blocked, self._moved_at = blocked, self.clock()
            self._guacd.pause(blocked)

    # The page's side.

    def take(self, data: bytes) -> None:
        """Of what the browser says, pass on what may go on. Raises Ended if it is not the protocol."""
        passed = []
        try:
            self._parser.feed(data)
            while instruction := self._parser.take():
                if guacamole.may_pass(instruction, self._allowed):
                    passed.append(instruction.text)
                    if instruction.opcode in self._acts:
                        self.hub.active(self.entry.pk)
        except guacamole.ProtocolError as error:
            raise Ended("protocol", str(error)) from None
        if passed:
            self._passed_on_at = self.clock()
            self._guacd.write("".join(passed).encode())

    async def room(self) -> None:
        """Wait until guacd takes more."""
        await self._guacd.room()

    def credit(self, total: int) -> None:
        """The page has drawn so much."""
        if self._window.credit(total):
            self._moved_at = self.clock()
            self._flow()

    # From socket to socket.

    async def resume(self, told: dict[str, Any]) -> bool:
        """Join anew, and leave as the user that was kept meanwhile."""
        socket = self.socket
        guacd = await join(self.connection, screen_of(told), self.entry)
        if guacd is None:
            return False
        if self.socket is not socket or self.over:  # yet another socket was faster
            guacd.drop()
            return True
        self._leave()
        self._guacd = guacd
        self.begin(resumed=True)
        return True

    def detached(self) -> None:
        """Keep the user at guacd, and forget what it hears."""
        self._flow()
        # An instruction that is not whole goes nowhere from here: the page sends it again.
        self._note(taken=self.taken - len(self._parser.rest()))

    def end(self, word: str, why: str = "") -> None:
        """End; but not before another gateway's user has surely joined."""
        if word == "moved" and self.socket is None:
            self.held_until = min(self.held_until, self.clock() + LINGER_S)
        else:
            super().end(word, why)

    def release(self, ended: Ended) -> None:
        """Leave guacd."""
        self._guacd.drop()

    def _leave(self) -> None:
        """Leave as the user that was kept, once the one that has joined is surely in."""
        before = self._guacd
        before.begin(_forget, before.drop)
        asyncio.get_running_loop().call_later(LINGER_S, before.drop)

    def _note(self, *, taken: int | None) -> None:
        stack = self.entry.stack
        generation = stack.generation if stack else 0
        self.hub.note(
            self.entry,
            handover.Session(id=self.id, connection=self.connection, generation=generation, taken=taken),
        )

    def tick(self, now_s: float) -> None:
        """Speak to guacd for a silent page, and end what has died."""
        super().tick(now_s)
        if self.over:
            return
        silent_s = now_s - self._moved_at
        if self._blocked and silent_s > (LOOKER_STALLED_S if self.entry.looks_in else STALLED_S):
            self.end("stalled")
        elif not self._blocked and silent_s >= SPOKEN_S and guacamole.has_ended(self._tail):
            self._broke()
        elif not self._blocked and silent_s > GUACD_SILENT_S:
            self.end("lost", "guacd is silent")
        elif now_s - self._passed_on_at >= NOP_S:
            self._passed_on_at = now_s
            self._guacd.write(guacamole.NOP)


class Desktop(StreamDoor):
    """See the module."""

    name: ClassVar[str] = "desktop"
    sockets: ClassVar[dict[str, type[Socket]]] = {SUBPROTOCOL: Socket, STOCK: Stock}

    async def open(self, socket: Socket, entry: Entry, told: dict[str, Any]) -> Session:
        """Go on with another gateway's session, join the learner's, or open one. Raises Ended."""
        screen = screen_of(told)
        session = await self._taken_over(entry, told.get("session"), screen)
        resumed = session is not None
        if session is None:
            session = await self._joined(entry, screen) or await self._opened(entry, screen)
        session.attach(socket, entry)
        self.sessions.add(session)
        self.hub.join(session)
        session.begin(resumed=resumed)
        return session

    async def _taken_over(self, entry: Entry, session_id: object, screen: guacamole.Screen) -> Drawing | None:
        if not isinstance(session_id, str):
            return None
        found = await _ask(handover.claim, entry, session_id)
        if found is None or found.taken is None:
            return None
        guacd = await join(found.connection, screen, entry)
        if guacd is None:
            return None
        await _ask(handover.joined, found)
        session = Drawing(self.hub, entry, guacd, found.connection, found.id)
        session.taken = found.taken
        return session

    async def _joined(self, entry: Entry, screen: guacamole.Screen) -> Drawing | None:
        if not entry.looks_in:
            return None
        # One that has just been opened here stands in no database yet.
        found = self.sessions.learners(entry) or await _ask(handover.learners, entry)
        if not isinstance(found, Drawing | handover.Session):
            return None
        guacd = await join(found.connection, screen, entry)
        return Drawing(self.hub, entry, guacd, found.connection) if guacd else None

    async def _opened(self, entry: Entry, screen: guacamole.Screen) -> Drawing:
        place, ticket = entry.place, entry.ticket
        assert place is not None
        try:
            values = arguments(place, read_only=ticket.read_only)
        except KeyError:
            raise Ended("failed", "an unknown protocol in the ticket") from None
        handshake = guacamole.Handshake(place.protocol, screen, values, ticket.user_name)
        try:
            guacd = await open_guacd(handshake)
        except HungUp:
            logger.error("guacd hung up in the handshake %s", entry)
            raise Ended("guacd", "it hung up in the handshake") from None
        mind_key(values.get("private-key", ""), handshake.version, str(entry))
        return Drawing(self.hub, entry, guacd, handshake.connection_id)


def _forget(data: bytes) -> None:
    """What nobody looks at."""


async def _ask(question: Any, *about: Any) -> handover.Session | None:
    try:
        found: handover.Session | None = await database_sync_to_async(question)(*about)
    except DatabaseError as error:
        logger.error("database does not answer error=%s", type(error).__name__)
        return None
    return found
