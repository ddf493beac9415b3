"""The door `events`: what becomes of the lab, and word that somebody is there. Text messages only.

gateway {"type": "state", "state": see stacks.story}   at once, and at each change
page    {"type": "active"}                             somebody does something in the page
        {"type": "extend", "seconds": n}               keep the lab awake for so long, 3600 at most
        {"type": "ping"}                               every 10 s, answered by {"type": "pong"}
gateway {"type": "error", …} as in desktop, then the close
"""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Any, ClassVar

from hastexo_lab.conf import lab_settings
from hastexo_lab.gateway.door import Door
from hastexo_lab.gateway.endings import Ended
from hastexo_lab.gateway.hub import Entry, Guest, Hub
from hastexo_lab.gateway.socket import Socket, control, whole
from hastexo_lab.models import Stack
from hastexo_lab.stacks.story import window_state

EXTEND_MAX_S = 3600


class Listener(Guest):
    """One page that hears of its lab. A slow page misses states between, never the last one."""

    __slots__ = ("_clock", "_due", "_heard_at", "_hub", "_socket", "_state", "_told")

    def __init__(self, entry: Entry, hub: Hub, socket: Socket) -> None:
        super().__init__(entry)
        self._hub = hub
        self._socket = socket
        self._told: dict[str, Any] = {}
        self._state: dict[str, Any] = {}
        self._due = False
        self._clock = asyncio.get_running_loop().time
        self._heard_at = self._clock()

    async def run(self) -> None:
        """Raises Ended or Gone."""
        self._socket.relieved = self._tell
        self._hub.join(self)
        try:
            await self._listen()
        finally:
            self._hub.part(self)

    def see(self, stack: Stack, visitors: list[dict[str, Any]], now: datetime) -> None:
        """Keep what is new. Seconds that pass are no news: the page counts them itself."""
        staff = self.entry.ticket.staff
        state = window_state(stack, now, staff=staff, visitors=visitors, looks_in=self.entry.looks_in)
        lasting = {**state, "elapsed": 0, "idle": state["idle"] is not None}
        if lasting != self._told:
            self._told, self._state, self._due = lasting, state, True
            self._tell()

    def tick(self, now_s: float) -> None:
        """End a page that has died."""
        if 0 < lab_settings().silent_timeout < now_s - self._heard_at:
            self.end("silent")

    def end(self, word: str, why: str = "") -> None:
        """Close the door."""
        self._socket.end(Ended(word, why))

    def _tell(self) -> None:
        if self._due and not self._socket.busy:
            self._due = False
            self._socket.tell("state", state=self._state)

    async def _listen(self) -> None:
        pk, may = self.entry.pk, not self.entry.ticket.read_only
        while True:
            message = await self._socket.receive()
            self._heard_at = self._clock()
            if isinstance(message, bytes):
                raise Ended("protocol", "bytes in events")
            told = control(message)
            if told["type"] == "ping":
                self._socket.pong()
            elif told["type"] == "active" and may:
                self._hub.active(pk)
            elif told["type"] == "extend" and may:
                self._hub.extend(pk, whole(told.get("seconds"), 0, EXTEND_MAX_S))
            elif told["type"] not in ("active", "extend"):
                raise Ended("protocol", "an unknown type of message")


class Events(Door):
    """See the module."""

    name: ClassVar[str] = "events"

    async def visit(self, socket: Socket, entry: Entry) -> None:
        """Raises Ended or Gone."""
        if entry.stack is None:
            raise Ended("no-door", "nothing becomes of a place of the project's own")
        self.hub.limit(entry)
        await Listener(entry, self.hub, socket).run()
