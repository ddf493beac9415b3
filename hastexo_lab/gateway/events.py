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

from hastexo_lab.gateway.desktop import SILENT_S
from hastexo_lab.gateway.door import Door, Socket, control, whole
from hastexo_lab.gateway.endings import Ended
from hastexo_lab.gateway.hub import Entry, Guest, Hub
from hastexo_lab.gateway.relay import together
from hastexo_lab.models import Stack
from hastexo_lab.stacks.story import window_state

EXTEND_MAX_S = 3600


class Listener(Guest):
    """One page that hears of its lab. A slow page misses states between, never the last one."""

    def __init__(self, entry: Entry, hub: Hub, socket: Socket) -> None:
        super().__init__(entry)
        self._hub = hub
        self._socket = socket
        self._told: dict[str, Any] = {}
        self._state: dict[str, Any] = {}
        self._news = asyncio.Event()
        self._heard_at = asyncio.get_running_loop().time()

    async def run(self) -> None:
        """Raises Ended or Gone."""
        self._hub.join(self)
        try:
            await together(self._tell(), self._listen(), self.ended())
        finally:
            self._hub.part(self)

    def see(self, stack: Stack, now: datetime) -> None:
        """Keep what is new. Seconds that pass are no news: the page counts them itself."""
        state = window_state(stack, now, staff=self.entry.ticket.staff)
        lasting = {**state, "elapsed": 0, "idle": state["idle"] is not None}
        if lasting != self._told:
            self._told, self._state = lasting, state
            self._news.set()

    def tick(self, now_s: float) -> None:
        """End a page that has died."""
        if now_s - self._heard_at > SILENT_S:
            self.end("silent")

    async def _tell(self) -> None:
        while True:
            await self._news.wait()
            self._news.clear()
            await self._socket.send_json({"type": "state", "state": self._state})

    async def _listen(self) -> None:
        pk, may = self.entry.stack.pk, not self.entry.ticket.read_only
        while True:
            message = await self._socket.receive()
            self._heard_at = asyncio.get_running_loop().time()
            if isinstance(message, bytes):
                raise Ended("protocol", "bytes in events")
            told = control(message)
            if told["type"] == "ping":
                await self._socket.send_json({"type": "pong"})
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
        await Listener(entry, self.hub, socket).run()
