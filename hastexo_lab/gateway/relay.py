"""What the doors that carry a stream have in common: the credit window, and ending together."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any


class Window:
    """How far a sender may run ahead of what the page says it has drawn. In bytes, from the start.

    It bounds what piles up for a slow page on every server, whether or not the server's `send` holds back.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._sent = 0
        self._credited = 0
        self._room = asyncio.Event()
        self._room.set()

    def sent(self, count: int) -> None:
        """So much more is on its way."""
        self._sent += count
        self._measure()

    def credit(self, total: int) -> bool:
        """The page has drawn this much in all: never more than was sent. True if that is news."""
        total = min(total, self._sent)
        news = total > self._credited
        self._credited = max(total, self._credited)
        self._measure()
        return news

    async def room(self) -> None:
        """Wait until something may be sent."""
        await self._room.wait()

    def _measure(self) -> None:
        if self._sent - self._credited < self._size:
            self._room.set()
        else:
            self._room.clear()


async def together(*parts: Coroutine[Any, Any, None]) -> None:
    """Run all parts until the first of them ends, end the others, and raise what the first one raised."""
    tasks = [asyncio.ensure_future(part) for part in parts]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    for task in tasks:
        if task in done:
            task.result()
