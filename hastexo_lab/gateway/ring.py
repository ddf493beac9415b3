"""A shell's output, numbered by bytes from its beginning: what is not drawn yet, and the last of what is.

No I/O: whoever writes looks at `room`, whoever reads keeps its own offset. Nothing that has not been credited is
ever dropped, so it can be sent again from any such offset; beyond that the newest `recent` bytes are kept for
those who join later.
"""

from __future__ import annotations

SEARCHED = 4096  # how far a joining viewer's first line is looked for


class Ring:
    """`window`: how many bytes may be waiting for credit; `recent`: how many are kept in any case."""

    def __init__(self, window: int, recent: int) -> None:
        self._window = window
        self._recent = recent
        self._kept = bytearray()
        self._credited = 0
        self.start = 0
        """The offset of the oldest byte that is kept."""

    @property
    def end(self) -> int:
        """The offset of the next byte: how many there were in all."""
        return self.start + len(self._kept)

    @property
    def room(self) -> bool:
        """May more be written? One write beyond the window does no harm."""
        return self.end - self._credited < self._window

    def append(self, data: bytes) -> None:
        """More output."""
        self._kept += data
        self._trim()

    def credit(self, total: int) -> bool:
        """So much has been drawn in all, at most what there is. True if that is news."""
        total = min(total, self.end)
        if total <= self._credited:
            return False
        self._credited = total
        self._trim()
        return True

    def read(self, offset: int, most: int) -> bytes:
        """At most so many bytes from there on; b"" at the end. Raises IndexError for what is not kept."""
        at = offset - self.start
        if not 0 <= at <= len(self._kept):
            raise IndexError(f"{offset} is not in {self.start}–{self.end}")
        return bytes(self._kept[at : at + most])

    def join(self) -> int:
        """Where a viewer begins to read: at the beginning of a line, if something has been dropped already."""
        recent = max(self.start, self.end - self._recent)
        at = recent - self.start
        line = self._kept.find(b"\n", at, at + SEARCHED) if recent else -1
        return recent if line < 0 else self.start + line + 1

    def _trim(self) -> None:
        unneeded = min(self._credited, self.end - self._recent) - self.start
        if unneeded > 0:
            del self._kept[:unneeded]
            self.start += unneeded
