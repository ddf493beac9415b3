"""A stack's folder: the only truth of it, shared by every process that has the same root.

stack.json      the order, written once: the folder appears with it by one rename, so at most one exists
host            pid and start of the host process, written by it while it is still privileged
story           what the host process tells, a JSON object a line: {"is": "creating", "done": 1},
                {"is": "running"}, {"is": "failed", "reason": …}; append only, the last line counts
secrets.json    private key, password, host key: made at the first start, kept from then on
starting        somebody has started the host process, which has not yet taken over
mark            {"state": …, "reason": …}: a fault, or a deletion that is under way
paused          the processes that were stopped before we stopped the rest
home/, tmp/     the hosts' own
lock            held while the host process lives; `orders` while an order is carried out
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import json
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from hastexo_lab.providers.base import CloudState, Transient
from hastexo_lab.providers.local.processes import Family, Process, look_again

# A started host process takes over within this, and a deletion is over.
PATIENCE_S = 20.0


@dataclass(frozen=True, kw_only=True)
class Order:
    """What was ordered, and where it was put. `uid` is the stack's own, or None where there is none."""

    name: str
    key: str
    site: str
    tags: tuple[str, ...]
    template: str
    timeout_s: int
    address: str
    port_offset: int
    uid: int | None

    @property
    def ref(self) -> str:
        return f"{self.name}:{self.key}"

    @property
    def family(self) -> Family:
        return Family(self.ref, self.uid)


@dataclass(frozen=True)
class Folder:
    """One stack's folder. Reading what is not there, or not whole, gives the empty value."""

    path: Path

    def order(self) -> Order | None:
        given = _read_json(self.path / "stack.json")
        return Order(**{**given, "tags": tuple(given["tags"])}) if given else None

    def write_order(self, order: Order) -> None:
        write_private(self.path / "stack.json", json.dumps(asdict(order)))

    def host(self) -> Process | None:
        """The host process, if it lives."""
        with contextlib.suppress(OSError, ValueError):
            pid, start = (self.path / "host").read_text().split()
            return look_again(int(pid), int(start))
        return None

    def story(self) -> list[dict[str, Any]]:
        """All that the host processes of this stack have told, oldest first."""
        try:
            lines = (self.path / "story").read_text().split("\n")
        except OSError:
            return []
        return [json.loads(line) for line in lines[:-1]]

    def secrets(self) -> dict[str, str]:
        return _read_json(self.path / "secrets.json")

    def mark(self) -> dict[str, str]:
        return _read_json(self.path / "mark")

    def set_mark(self, state: CloudState, reason: str) -> None:
        write_private(self.path / "mark", json.dumps({"state": state, "reason": reason}))

    def clear_mark(self) -> None:
        (self.path / "mark").unlink(missing_ok=True)

    def fresh(self, name: str) -> bool:
        """Whether the file was written a moment ago."""
        try:
            return time.time() - (self.path / name).stat().st_mtime < PATIENCE_S
        except OSError:
            return False

    def paused(self) -> list[tuple[int, int]] | None:
        given = _read_json(self.path / "paused")
        return [(pid, start) for pid, start in given["processes"]] if given else None

    def set_paused(self, processes: list[tuple[int, int]]) -> None:
        write_private(self.path / "paused", json.dumps({"processes": processes}))

    def clear_paused(self) -> None:
        (self.path / "paused").unlink(missing_ok=True)


def _read_json(path: Path) -> dict[str, Any]:
    try:
        given: dict[str, Any] = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return given


def write_private(path: Path, text: str) -> None:
    """Write the file whole or not at all, for our eyes only."""
    part = path.with_name(f".{path.name}-{os.getpid()}")
    with open(os.open(part, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
    part.rename(path)


def take(path: Path) -> int | None:
    """A descriptor that holds the lock, or None while another process does. Raises FileNotFoundError."""
    descriptor = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor


@contextlib.asynccontextmanager
async def holding(
    path: Path, *, patience_s: float = 5.0, each_time: Callable[[], Awaitable[None]] | None = None
) -> AsyncIterator[None]:
    """Hold the lock; `each_time` it is not had, do something about it.

    Raises Transient when it is not had in time, and FileNotFoundError.
    """
    ends = time.monotonic() + patience_s
    while (descriptor := take(path)) is None:
        if time.monotonic() > ends:
            raise Transient("The local provider is busy with another order for the same stack.")
        await asyncio.sleep(0.01)
        if each_time:
            await each_time()
    try:
        yield
    finally:
        os.close(descriptor)
