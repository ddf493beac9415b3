"""What one gateway process knows of all its open pages: one watcher of the database, one clock, no more.

The watcher looks every POLL_S at all labs with an open page in one query, tells their guests of changes, and
writes presence down. The clock ticks every guest once a second and never waits for the database. Both run
only while somebody is here. When the database is away, pages stay open and everything is made up for later.
"""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta

from channels.db import database_sync_to_async
from django.db import Error as DatabaseError
from django.utils import timezone

from hastexo_lab.gateway.endings import Ended
from hastexo_lab.models import Stack
from hastexo_lab.stacks import presence, story
from hastexo_lab.tickets import Ticket

POLL_S = 0.5
POLL_MAX_S = 10.0
NOTE_S = 30.0
TICK_S = 1.0

logger = logging.getLogger("hastexo_lab.gateway")


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A spent ticket, its visit's primary key, and the stack as it was at the door."""

    ticket: Ticket
    visit: int
    stack: Stack


class Guest:
    """Somebody behind a door, as the hub sees them. Nothing here waits."""

    def __init__(self, entry: Entry) -> None:
        self.entry = entry
        self._ending: Ended | None = None
        self._over = asyncio.Event()

    def see(self, stack: Stack, now: datetime) -> None:
        """The stack as it is now, after a change of it."""

    def tick(self, now_s: float) -> None:
        """A second has passed; `now_s` is the event loop's time."""

    def end(self, word: str, why: str = "") -> None:
        """Let the session end. The first reason counts."""
        self._ending = self._ending or Ended(word, why)
        self._over.set()

    async def ended(self) -> None:
        """Wait for the end. Raises Ended."""
        await self._over.wait()
        raise self._ending or Ended("failed")


class Hub:
    """One for each gateway process (and event loop)."""

    def __init__(self) -> None:
        self._here: dict[int, set[int]] = defaultdict(set)  # stack → its open visits
        self._guests: dict[int, set[Guest]] = defaultdict(set)  # stack → who wants to hear of it
        self._signs: dict[int, presence.Sign | None] = {}
        self._stacks: dict[int, Stack] = {}
        self._warned: set[int] = set()
        self._active: set[int] = set()
        self._until: dict[int, datetime] = {}
        self._left: set[int] = set()
        self._watching: asyncio.Task[None] | None = None
        self._ticking: asyncio.Task[None] | None = None
        self._noted: set[int] = set()
        self._noted_at = 0.0
        self._writing = asyncio.Lock()

    # Called by the doors.

    def arrive(self, entry: Entry) -> None:
        """A page is open."""
        pk = entry.stack.pk
        self._here[pk].add(entry.visit)
        self._signs[pk] = None
        self._stacks[pk] = entry.stack
        if self._watching is None or self._watching.done():
            self._watching = asyncio.create_task(self._watch())
        if self._ticking is None or self._ticking.done():
            self._ticking = asyncio.create_task(self._tick())

    def depart(self, entry: Entry) -> None:
        """It is not any more. May be said twice."""
        pk = entry.stack.pk
        if entry.visit in self._here.get(pk, ()):
            self._left.add(entry.visit)
            self._here[pk].discard(entry.visit)
        if not self._here.get(pk):
            for known in (self._here, self._signs, self._stacks, self._guests):
                known.pop(pk, None)
            self._warned.discard(pk)
            self._noted.discard(pk)

    def join(self, guest: Guest) -> None:
        """Tell this guest of changes, and of what is so at once."""
        stack = self._stacks[guest.entry.stack.pk]
        self._guests[stack.pk].add(guest)
        guest.see(stack, timezone.now())

    def part(self, guest: Guest) -> None:
        """Tell it nothing more."""
        self._guests[guest.entry.stack.pk].discard(guest)

    def active(self, pk: int) -> None:
        """Somebody does something in this lab. However often it is said, it is written every NOTE_S at most,
        or at the next look while sleep is announced."""
        self._active.add(pk)

    def extend(self, pk: int, seconds: int) -> None:
        """Keep this lab awake for so long from now on."""
        stack = self._stacks[pk]
        if stack.suspend_timeout:
            now = timezone.now()
            until = now + timedelta(seconds=max(0, seconds - stack.suspend_timeout))
            self._until[pk] = max(until, self._until.get(pk, until))

    async def stop(self) -> None:
        """The process ends: everybody is asked to reconnect, and what is to be written is written."""
        for guests in list(self._guests.values()):
            for guest in list(guests):
                guest.end("reconnect")
        for task in (self._watching, self._ticking):
            if task is not None:
                task.cancel()
        for pk in list(self._here):
            self._left |= self._here[pk]
        await self.flush()

    async def flush(self) -> None:
        """Write down now what is to be written; a database that is away loses it."""
        try:
            await self._write(
                presence.Notes(active=set(self._active), until=dict(self._until), left=set(self._left))
            )
        except DatabaseError as error:
            logger.error("presence is lost, the database does not answer error=%s", type(error).__name__)

    # The two tasks.

    async def _tick(self) -> None:
        while self._here:
            await asyncio.sleep(TICK_S)
            now_s = asyncio.get_running_loop().time()
            for guests in list(self._guests.values()):
                for guest in list(guests):
                    guest.tick(now_s)

    async def _watch(self) -> None:
        delay_s = POLL_S
        while self._here or self._left or self._active or self._until:
            try:
                await self._round()
            except Exception as error:
                delay_s = min(delay_s * 2, POLL_MAX_S)
                away = isinstance(error, DatabaseError)
                logger.error("watch failed error=%s next_s=%s", type(error).__name__, delay_s, exc_info=not away)
            else:
                if delay_s > POLL_S:
                    logger.info("watch goes on")
                delay_s = POLL_S
            await asyncio.sleep(delay_s)

    async def _round(self) -> None:
        signs, changed = await database_sync_to_async(presence.look)(dict(self._signs))
        now = timezone.now()
        for stack in changed:
            if stack.pk in self._signs:
                self._signs[stack.pk], self._stacks[stack.pk] = signs[stack.pk], stack
        told = {stack.pk for stack in changed} | self._warnings(now)
        for pk in told & self._stacks.keys():
            self._tell(pk, now)
        for pk in self._signs.keys() - signs.keys():
            if self._signs[pk] is not None:
                self._lose(pk)
        await self._write(self._notes())

    def _warnings(self, now: datetime) -> set[int]:
        """Those whose sleep is now announced, or no longer."""
        warned = {pk for pk, stack in self._stacks.items() if story.window_state(stack, now)["idle"]}
        self._warned, before = warned, self._warned
        return warned ^ before

    def _tell(self, pk: int, now: datetime) -> None:
        for guest in list(self._guests.get(pk, ())):
            guest.see(self._stacks[pk], now)

    def _lose(self, pk: int) -> None:
        for guest in list(self._guests.get(pk, ())):
            guest.end("not-up", "the stack is no longer in the table")

    def _notes(self) -> presence.Notes:
        """What to write after this look: who has come or left at once, who is still here when it is due."""
        now_s = asyncio.get_running_loop().time()
        here = self._here.keys() - self._noted
        active = {pk for pk in self._active if pk in self._warned or pk not in self._here}
        if now_s - self._noted_at >= NOTE_S:
            self._noted_at = now_s
            here, active = set(self._here), set(self._active)
        return presence.Notes(here=here, active=active, until=dict(self._until), left=set(self._left))

    async def _write(self, notes: presence.Notes) -> None:
        if not notes:
            return
        async with self._writing:
            await database_sync_to_async(presence.write)(notes, timezone.now())
        self._noted |= self._here.keys() & notes.here
        self._active -= set(notes.active)
        self._left -= set(notes.left)
        for pk, until in notes.until.items():
            if self._until.get(pk) == until:
                del self._until[pk]
