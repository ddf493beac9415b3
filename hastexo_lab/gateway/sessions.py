"""A session in a lab outlives its sockets: it is held for a while for a page that has lost the network.

A page takes its session up again with a new ticket for the same right, also from a socket that is still attached
(that one is `moved`). A page that closes with 1000 ends its session at once; so does an end of the lab. Input is
numbered from the session's beginning, so that the page can send again exactly what was not taken.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Iterator
from typing import Any, ClassVar

from hastexo_lab.conf import lab_settings
from hastexo_lab.gateway.door import Door
from hastexo_lab.gateway.endings import Ended
from hastexo_lab.gateway.hub import Entry, Guest, Hub
from hastexo_lab.gateway.socket import LEFT, Gone, Socket, control, whole
from hastexo_lab.models import Stack
from hastexo_lab.phases import Phase

# Endings of a socket that leave its session for another one.
KEEP = frozenset(["silent", "stalled", "reconnect", "guacd"])

logger = logging.getLogger("hastexo_lab.gateway")


def must_be_up(stack: Stack, generation: int) -> None:
    """See that this lab is up, and still the one of this generation. Raises Ended."""
    if stack.phase in (Phase.SUSPENDING, Phase.ASLEEP, Phase.RESUMING):
        raise Ended("asleep", stack.phase)
    if stack.phase != Phase.UP or stack.generation != generation:
        raise Ended("not-up", stack.phase)


class Session(Guest):
    """One way into one lab. A subclass holds the lab's side.

    From the page: `take`, `told`, `room`, and `credit`. To the page: `self.socket`, which is None while nobody
    is there. `resume` and `release` are the subclass's as well.
    """

    # Whether another gateway can go on with it while this one ends.
    hands_over: ClassVar[bool] = False

    __slots__ = ("_heard_at", "_is_used", "clock", "held_until", "hub", "id", "over", "sessions", "socket", "taken")

    def __init__(self, hub: Hub, entry: Entry, session_id: str = "") -> None:
        super().__init__(entry)
        self.hub = hub
        self.id = session_id or secrets.token_urlsafe(16)
        self.taken = 0
        self.over = False
        self.socket: Socket | None = None
        self.sessions: Sessions | None = None
        self.clock = asyncio.get_running_loop().time
        self._heard_at = self.clock()
        self._is_used = False
        self.held_until: float = 0

    # For subclasses.

    def take(self, data: bytes) -> None:
        """Input for the lab. Raises Ended for what is not the protocol."""
        raise NotImplementedError

    async def room(self) -> None:
        """Wait until the lab takes more."""

    def told(self, told: dict[str, Any]) -> None:
        """A control message of the door's own. Raises Ended."""
        raise Ended("protocol", "an unknown type of message")

    def credit(self, total: int) -> None:
        """The page has drawn so many bytes of this socket's stream."""
        raise NotImplementedError

    async def resume(self, told: dict[str, Any]) -> bool:
        """Go on at the newly attached socket: call `ready`, then show what it has missed.

        `told` is its `connect`. False if that cannot be: then a new session is opened. Raises Ended.
        """
        raise NotImplementedError

    def detached(self) -> None:
        """There is no socket any more."""

    def release(self, ended: Ended) -> None:
        """Let go of the lab, once."""

    # For doors.

    @property
    def right(self) -> tuple[Any, ...]:
        """What a ticket must be good for to take this session up again."""
        return right(self.entry)

    def attach(self, socket: Socket, entry: Entry) -> None:
        """This socket has the session from now on; another one that has it is `moved`."""
        before, self.socket = self.socket, socket
        if before is not None:
            before.end(Ended("moved"))
        self.hub.keep(entry)
        if entry is not self.entry:
            self.hub.unhold(self)
            self.hub.depart(self.entry)
            self.entry = entry
        self._heard_at = self.clock()

    def ready(self, *, resumed: bool) -> None:
        """Tell the page that it is in the lab."""
        self._is_used |= resumed
        if self.socket is not None:
            hold = lab_settings().hold_timeout if self.socket.resumes else 0
            self.socket.tell("ready", session=self.id, hold=hold, resumed=resumed, taken=self.taken)

    async def go_on(self, socket: Socket, told: dict[str, Any]) -> bool:
        """Resume at this socket, which is attached. False: it is free for a new session. Raises Ended.

        Meanwhile another socket may be attached, or the session over: then `serve` says so.
        """
        try:
            resumed = await self.resume(told)
        except Ended as ended:
            if self.socket is not socket:
                return True
            self._lose(socket, ended, keep=ended.word in KEEP)
            raise
        except BaseException as error:
            self._lose(socket, Ended("failed"), keep=isinstance(error, asyncio.CancelledError))
            raise
        if self.socket is socket and not resumed:
            self._abandon()
            return False
        return True

    async def serve(self, socket: Socket) -> None:
        """Carry what this page says into the lab until one of them ends. Raises Ended or Gone."""
        try:
            while True:
                message = await socket.receive()
                if self.socket is not socket:
                    continue  # moved: `receive` says so now
                self._heard_at, self._is_used = self.clock(), True
                if isinstance(message, str):
                    self._told(socket, control(message))
                else:
                    self.taken += len(message)
                    self.take(message)
                    await self.room()
        except Gone as gone:
            self._lose(socket, Ended("lab-ended", "the page has left"), keep=gone.code != LEFT)
            raise
        except Ended as ended:
            self._lose(socket, ended, keep=ended.word in KEEP)
            raise
        except BaseException:
            self._lose(socket, Ended("failed"), keep=False)
            raise

    # As a guest of the hub.

    def see(self, stack: Stack, visitors: list[dict[str, Any]], now: Any) -> None:
        """A lab that is no longer up, or is another one by now, ends the session."""
        generation = self.entry.stack.generation if self.entry.stack else 0
        try:
            must_be_up(stack, generation)
        except Ended as ended:
            self.finish(ended)

    def tick(self, now_s: float) -> None:
        """End what has died."""
        if self.socket is None:
            if now_s >= self.held_until:
                self.finish(Ended("lost", "nobody came back"))
        elif 0 < lab_settings().silent_timeout < now_s - self._heard_at:
            self.end("silent")

    def end(self, word: str, why: str = "") -> None:
        """End the session; or its socket only, where the session can go on at another one."""
        ended, socket = Ended(word, why), self.socket
        keep = word in KEEP and (word != "reconnect" or self.hands_over)
        if socket is not None:
            self._lose(socket, ended, keep=keep)
            socket.end(ended)
        elif not keep:
            self.finish(ended)

    def finish(self, ended: Ended) -> None:
        """The session is over. May be said twice."""
        if self.over:
            return
        self.over = True
        if self.socket is not None:
            self.socket.end(ended)
        else:
            logger.info("session over %s code=%s why=%r", self.entry, ended.word, ended.why)
        self.socket = None
        if self.sessions is not None:
            self.sessions.remove(self)
        self.hub.part(self)
        self.hub.depart(self.entry)
        self.release(ended)

    def _abandon(self) -> None:
        """It cannot be taken up again: its socket and its entry are free for a new session."""
        self.over, self.socket = True, None
        if self.sessions is not None:
            self.sessions.remove(self)
        self.hub.part(self)
        self.hub.unkeep(self.entry)
        self.release(Ended("lost", "cannot be taken up again"))

    def _told(self, socket: Socket, told: dict[str, Any]) -> None:
        if told["type"] == "ping":
            socket.pong(taken=self.taken)
        elif told["type"] == "credit":
            self.credit(whole(told.get("bytes"), 0, 2**53))
        else:
            self.told(told)

    def _lose(self, socket: Socket, ended: Ended, *, keep: bool) -> None:
        """This socket is lost; the session is held for another one, or over, as one is that no page has used."""
        if self.socket is not socket or self.over:
            return
        hold_s = lab_settings().hold_timeout
        if self.hub.draining:
            hold_s = lab_settings().drain_timeout if self.hands_over else 0
        if not (keep and hold_s and socket.resumes and self._is_used):
            self.finish(ended)
            return
        self.socket = None
        self.held_until = self.clock() + hold_s
        logger.info("held %s seconds=%s", self.entry, hold_s)
        if self.hands_over:
            self.hub.hold(self)
        self.detached()


def right(entry: Entry) -> tuple[Any, ...]:
    """Who may do what where: two tickets of one right open the same session."""
    ticket, generation = entry.ticket, entry.stack.generation if entry.stack else 0
    where = (ticket.stack, generation, ticket.place, ticket.protocol, ticket.port, ticket.login)
    return (*where, ticket.door, ticket.user_id, ticket.read_only)


class Sessions:
    """The open sessions behind one door."""

    def __init__(self) -> None:
        self._by_id: dict[str, Session] = {}

    def __iter__(self) -> Iterator[Session]:
        return iter(self._by_id.values())

    def add(self, session: Session) -> None:
        """It can be found from now on, until it is over."""
        session.sessions = self
        self._by_id[session.id] = session

    def remove(self, session: Session) -> None:
        """It is over."""
        self._by_id.pop(session.id, None)

    def claim(self, session_id: object, entry: Entry) -> Session | None:
        """The session of this id, if this entry is of the same right."""
        session = self._by_id.get(session_id) if isinstance(session_id, str) else None
        return session if session is not None and session.right == right(entry) else None

    def learners(self, entry: Entry) -> Session | None:
        """The open session of the lab's own learner, for somebody who looks in; the latest, if there are more."""
        ticket = entry.ticket
        wanted = (ticket.stack, ticket.protocol, ticket.port)
        for session in reversed(self._by_id.values()):
            theirs = session.entry.ticket
            if not session.entry.looks_in and (theirs.stack, theirs.protocol, theirs.port) == wanted:
                return session
        return None


class StreamDoor(Door):
    """A door that leads into a lab. A subclass opens it."""

    leads: ClassVar[bool] = True

    def __init__(self, hub: Hub) -> None:
        super().__init__(hub)
        self.sessions = Sessions()

    async def open(self, socket: Socket, entry: Entry, told: dict[str, Any]) -> Session:
        """A new session in the lab, attached to this socket, which has been told `ready`.

        `told` is the page's `connect`. Raises Ended, and Gone.
        """
        raise NotImplementedError

    async def visit(self, socket: Socket, entry: Entry) -> None:
        """Raises Ended or Gone."""
        try:
            session = await self._session(socket, entry)
        finally:
            entry.place = None
        await session.serve(socket)

    async def _session(self, socket: Socket, entry: Entry) -> Session:
        if entry.stack is not None:
            must_be_up(entry.stack, entry.stack.generation)
        told = await socket.hello()
        session = self.sessions.claim(told.get("session"), entry)
        if session is not None:
            session.attach(socket, entry)
            if await session.go_on(socket, told):
                return session
        self.hub.limit(entry)
        return await self.open(socket, entry, told)
