"""What one gateway process knows of all its open doors: one watcher of the database, one clock, no more.

The watcher looks every POLL_S at all labs with an open page in one query, tells their guests of changes, and
writes presence down. The clock ticks every guest once a second and never waits for the database. Both run
only while somebody is here. When the database is away, pages stay open and everything is made up for later.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter, defaultdict
from collections.abc import Mapping, Set
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from channels.db import database_sync_to_async
from django.db import Error as DatabaseError
from django.utils import timezone

from hastexo_lab.conf import lab_settings
from hastexo_lab.gateway import handover
from hastexo_lab.gateway.endings import Ended
from hastexo_lab.gateway.places import Place
from hastexo_lab.models import Stack
from hastexo_lab.stacks import presence, story
from hastexo_lab.tickets import Ticket

POLL_S = 0.5
POLL_MAX_S = 10.0
BUSY = 9  # looking takes at most one part in ten of a CPU, however many labs there are
NOTE_S = 30.0
TICK_S = 1.0
DRAIN_S = 0.1

logger = logging.getLogger("hastexo_lab.gateway")


class _Look(NamedTuple):
    signs: dict[int, presence.Sign]
    changed: list[Stack]
    visitors: dict[int, list[dict[str, Any]]]
    over: set[int]
    cpu_s: float


def _look(signs: dict[int, presence.Sign], held: set[int], now: datetime) -> _Look:
    """All that a round wants to know, in one visit to the database's thread."""
    began_s = time.thread_time()
    visitors = presence.visitors(signs, now) if signs else {}
    over = handover.over(held) if held else set()
    return _Look(*presence.look(signs), visitors, over, time.thread_time() - began_s)


def _write(notes: presence.Notes, sessions: Mapping[int, handover.Session]) -> None:
    if notes:
        presence.write(notes, timezone.now())
    handover.write(sessions)


@dataclass(kw_only=True, slots=True, eq=False)
class Entry:
    """A spent ticket, its visit's primary key, the stack as it was at the door, and where that leads.

    `stack` is None for a place of the project's own; `place` is None for a door that leads into no lab, and once
    the lab is open: what opens it is not kept.
    """

    ticket: Ticket
    visit: int
    stack: Stack | None = None
    place: Place | None = None
    looks_in: bool = False

    @property
    def pk(self) -> int:
        """The stack's primary key; 0: there is none."""
        return self.ticket.stack

    def __str__(self) -> str:
        where = f"place={self.ticket.place!r}" if self.stack is None else f"stack={self.stack.pk}"
        return f"{where} visit={self.visit}"


class Guest:
    """Somebody behind a door, as the hub sees them. Nothing here waits."""

    __slots__ = ("entry",)

    def __init__(self, entry: Entry) -> None:
        self.entry = entry

    def see(self, stack: Stack, visitors: list[dict[str, Any]], now: datetime) -> None:
        """The stack as it is now and who looks in, after a change."""

    def tick(self, now_s: float) -> None:
        """A second has passed; `now_s` is the event loop's time."""

    def end(self, word: str, why: str = "") -> None:
        """Let it end. The first reason counts."""
        raise NotImplementedError


class Hub:
    """One for each gateway process (and event loop)."""

    def __init__(self) -> None:
        self._visits: set[int] = set()  # open doors
        self._here: Counter[int] = Counter()  # stack (0: none) → how many of them
        self._users: Counter[str] = Counter()  # user → open doors
        self._guests: dict[int, list[Guest]] = defaultdict(list)  # stack (0: none) → who wants to hear of it
        self._signs: dict[int, presence.Sign] = {}
        self._stacks: dict[int, Stack] = {}
        self._idle_from: dict[int, datetime] = {}  # stack → when sleep is announced
        self._visitors: dict[int, list[dict[str, Any]]] = {}
        self._warned: set[int] = set()
        self._active: set[int] = set()
        self._until: dict[int, datetime] = {}
        self._left: set[int] = set()
        self._sessions: dict[int, handover.Session] = {}  # visit → what another gateway needs to go on with it
        self._kept: set[int] = set()  # visits that last for as long as their session, not as their socket
        self._held: dict[int, Guest] = {}  # visit → whose session has no socket, and may go on at another gateway
        self._watching: asyncio.Task[None] | None = None
        self._ticking: asyncio.Task[None] | None = None
        self._noted: set[int] = set()
        self._noted_at = 0.0
        self._writing = asyncio.Lock()
        self.draining = False
        self._hurries = False

    # Called by the doors.

    @property
    def full(self) -> bool:
        """Are there as many open doors as there may be?"""
        most = lab_settings().max_sessions
        return bool(most) and len(self._visits) >= most

    def arrive(self, entry: Entry) -> None:
        """A page is open."""
        pk = entry.pk
        self._visits.add(entry.visit)
        self._here[pk] += 1
        self._users[entry.ticket.user_id] += 1
        if entry.stack is not None:
            self._meet(entry, entry.stack)
        if self._watching is None or self._watching.done():
            self._watching = asyncio.create_task(self._watch())
        if self._ticking is None or self._ticking.done():
            self._ticking = asyncio.create_task(self._tick())

    def _meet(self, entry: Entry, stack: Stack) -> None:
        """Keep one copy of each stack, whoever comes; the newest."""
        sign = presence.sign_of(stack)
        if self._signs.get(stack.pk) == sign:
            entry.stack = self._stacks[stack.pk]
        else:
            self._learn(stack, sign)

    def _learn(self, stack: Stack, sign: presence.Sign) -> None:
        self._signs[stack.pk], self._stacks[stack.pk] = sign, stack
        if begins := story.idle_from(stack):
            self._idle_from[stack.pk] = begins
        else:
            self._idle_from.pop(stack.pk, None)

    def limit(self, entry: Entry) -> None:
        """See that this entry, which has arrived, is not one too many. Raises Ended."""
        site, user = lab_settings().max_sessions, lab_settings().max_sessions_per_user
        if site and len(self._visits) > site:
            logger.warning("full max_sessions=%s remedy=%r", site, "run more gateways, or raise max_sessions")
            raise Ended("limit", f"max_sessions {site}")
        if user and self._users[entry.ticket.user_id] > user:
            raise Ended("limit", f"max_sessions_per_user {user}")

    def crowd(self, entry: Entry) -> None:
        """See that its user, also with sockets that say nothing yet, leaves room for others. Raises Ended.

        Twice the limit: each of a user's sessions may have a new socket on its way.
        """
        most = 2 * lab_settings().max_sessions_per_user
        if most and self._users[entry.ticket.user_id] > most:
            raise Ended("limit", f"{most} sockets of one user")

    def depart(self, entry: Entry) -> None:
        """It is not any more. May be said twice."""
        pk = entry.pk
        self._kept.discard(entry.visit)
        self._held.pop(entry.visit, None)
        if entry.visit in self._visits:
            self._left.add(entry.visit)
            self._visits.discard(entry.visit)
            self._here[pk] -= 1
            self._users[entry.ticket.user_id] -= 1
            if not self._users[entry.ticket.user_id]:
                del self._users[entry.ticket.user_id]
        if not self._here.get(pk):
            for known in (self._here, self._signs, self._stacks, self._idle_from, self._guests, self._visitors):
                known.pop(pk, None)
            self._warned.discard(pk)
            self._noted.discard(pk)

    def keep(self, entry: Entry) -> None:
        """It lasts until `depart`, whatever becomes of its socket."""
        self._kept.add(entry.visit)

    def unkeep(self, entry: Entry) -> None:
        """It lasts as long as its socket again."""
        self._kept.discard(entry.visit)

    def keeps(self, entry: Entry) -> bool:
        """Was that said?"""
        return entry.visit in self._kept

    def hold(self, guest: Guest) -> None:
        """This guest has no socket, and its session may go on at another gateway: then it is `moved` from here."""
        self._held[guest.entry.visit] = guest

    def unhold(self, guest: Guest) -> None:
        """It has one again."""
        self._held.pop(guest.entry.visit, None)

    def note(self, entry: Entry, session: handover.Session) -> None:
        """Write this down for other gateways, sealed, with the next look."""
        self._sessions[entry.visit] = session

    def join(self, guest: Guest) -> None:
        """Tell this guest of changes, and of what is so at once."""
        pk = guest.entry.pk
        self._guests[pk].append(guest)
        if pk in self._stacks:
            guest.see(self._stacks[pk], self._visitors.get(pk, []), timezone.now())

    def part(self, guest: Guest) -> None:
        """Tell it nothing more."""
        if guest in self._guests.get(guest.entry.pk, ()):
            self._guests[guest.entry.pk].remove(guest)

    def active(self, pk: int) -> None:
        """Somebody does something in this lab. However often it is said, it is written every NOTE_S at most,
        or at the next look while sleep is announced."""
        if pk:
            self._active.add(pk)

    def extend(self, pk: int, seconds: int) -> None:
        """Keep this lab awake for so long from now on."""
        stack = self._stacks[pk]
        if stack.suspend_timeout:
            now = timezone.now()
            until = now + timedelta(seconds=max(0, seconds - stack.suspend_timeout))
            self._until[pk] = max(until, self._until.get(pk, until))

    # The end of the process.

    async def drain(self) -> None:
        """Everybody is asked to reconnect. What may go on at another gateway is kept for it, up to `drain_timeout`.

        May be called twice.
        """
        self.draining = True
        until_s = asyncio.get_running_loop().time() + lab_settings().drain_timeout
        for guest in self._everybody():
            guest.end("reconnect")
        await self.flush()
        while self._here and not self._hurries and asyncio.get_running_loop().time() < until_s:
            await asyncio.sleep(DRAIN_S)
        for guest in self._everybody():
            guest.end("lost", "the gateway ends")
        for task in (self._watching, self._ticking):
            if task is not None:
                task.cancel()
        self._left |= self._visits
        await self.flush()

    def hurry(self) -> None:
        """Keep nothing for anybody any more."""
        self._hurries = True

    async def flush(self) -> None:
        """Write down now what is to be written; a database that is away loses it."""
        try:
            await self._write(
                presence.Notes(
                    active=set(self._active),
                    until=dict(self._until),
                    left=set(self._left),
                )
            )
        except DatabaseError as error:
            logger.error("presence is lost, the database does not answer error=%s", type(error).__name__)

    # The two tasks.

    def _everybody(self) -> list[Guest]:
        return [guest for guests in self._guests.values() for guest in guests]

    async def _tick(self) -> None:
        while self._here:
            await asyncio.sleep(TICK_S)
            now_s = asyncio.get_running_loop().time()
            for guest in self._everybody():
                guest.tick(now_s)

    async def _watch(self) -> None:
        delay_s = POLL_S
        while self._here or self._left or self._active or self._until:
            busy_s = 0.0
            try:
                busy_s = await self._round()
            except Exception as error:
                delay_s = min(delay_s * 2, POLL_MAX_S)
                away = isinstance(error, DatabaseError)
                logger.error("watch failed error=%s next_s=%s", type(error).__name__, delay_s, exc_info=not away)
            else:
                if delay_s > POLL_S:
                    logger.info("watch goes on")
                delay_s = POLL_S
            await asyncio.sleep(max(delay_s, min(BUSY * busy_s, POLL_MAX_S)))

    async def _round(self) -> float:
        """One look, and what follows from it. Returns the seconds of CPU that looking took."""
        now = timezone.now()
        asked = dict(self._signs)
        look: _Look = await database_sync_to_async(_look)(asked, set(self._held), now)
        for stack in look.changed:
            if stack.pk in self._signs:
                self._learn(stack, look.signs[stack.pk])
        came, self._visitors = self._visitors, look.visitors
        other = {pk for pk in came.keys() | look.visitors.keys() if came.get(pk) != look.visitors.get(pk)}
        told = {stack.pk for stack in look.changed} | self._warnings(now) | other
        for pk in told & self._stacks.keys():
            self._tell(pk, now)
        for pk in asked.keys() & self._signs.keys() - look.signs.keys():
            self._lose(pk)
        for visit in look.over & self._held.keys():
            self._held[visit].end("moved", "another gateway has taken it over")
        await self._write(self._notes())
        return look.cpu_s

    def _warnings(self, now: datetime) -> set[int]:
        """Those whose sleep is now announced, or no longer."""
        warned = {pk for pk, begins in self._idle_from.items() if begins <= now and pk not in self._visitors}
        self._warned, before = warned, self._warned
        return warned ^ before

    def _tell(self, pk: int, now: datetime) -> None:
        for guest in list(self._guests.get(pk, ())):
            guest.see(self._stacks[pk], self._visitors.get(pk, []), now)

    def _lose(self, pk: int) -> None:
        for guest in list(self._guests.get(pk, ())):
            guest.end("not-up", "the stack is no longer in the table")

    def _notes(self) -> presence.Notes:
        """What to write after this look: who has come or left at once, who is still here when it is due."""
        now_s = asyncio.get_running_loop().time()
        here = self._signs.keys() - self._noted
        active = {pk for pk in self._active if pk in self._warned or pk not in self._here}
        visits: Set[int] = frozenset()
        if now_s - self._noted_at >= NOTE_S:
            self._noted_at = now_s
            here, active = set(self._signs), set(self._active)
            visits = set(self._visits)
        return presence.Notes(
            here=here,
            active=active,
            until=dict(self._until),
            visits=visits,
            left=set(self._left),
        )

    async def _write(self, notes: presence.Notes) -> None:
        sessions = dict(self._sessions)
        if not notes and not sessions:
            return
        async with self._writing:
            await database_sync_to_async(_write)(notes, sessions)
        self._noted |= self._signs.keys() & notes.here
        self._active -= set(notes.active)
        self._left -= set(notes.left)
        _forget(self._until, notes.until)
        _forget(self._sessions, sessions)


def _forget(kept: dict[int, Any], written: Mapping[int, Any]) -> None:
    """Drop what is written and has not changed since."""
    for key, value in written.items():
        if kept.get(key) == value:
            del kept[key]
