"""The credit window of a door that carries a stream."""

from __future__ import annotations


class Window:
    """How far a sender may run ahead of what the page says it has drawn. In bytes, from the start.

    It bounds what piles up for a slow page on every server, whether or not the server's `send` holds back.
    """

    __slots__ = ("_credited", "_sent", "_size")

    def __init__(self, size: int) -> None:
        self._size = size
        self._sent = 0
        self._credited = 0

    def sent(self, count: int) -> None:
        """So much more is on its way."""
        self._sent += count

    def credit(self, total: int) -> bool:
        """The page has drawn this much in all: never more than was sent. True if that is news."""
        total = min(total, self._sent)
        news = total > self._credited
        self._credited = max(total, self._credited)
        return news

    @property
    def room(self) -> bool:
        """May more be sent?"""
        return self._sent - self._credited < self._size
