"""Which processes are a stack's, and what is done to all of them at once. Reads /proc; Linux only.

A stack's processes are the descendants of its host process (a subreaper, so orphans stay descendants) and,
should that have died, whatever carries the stack's mark: its own uid where we are root, else a variable in
the environment.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from hastexo_lab.providers.base import Transient

MARK = "HASTEXO_LAB_STACK"
_STOPPED = "Tt"
_DEAD = "ZX"
_PATIENCE_S = 8.0


@dataclass(frozen=True)
class Process:
    """One process, at one look. `start` (clock ticks since boot) tells it from a later one with its pid."""

    pid: int
    parent: int
    state: str
    start: int
    uid: int

    @property
    def stopped(self) -> bool:
        return self.state in _STOPPED


def look(pid: int) -> Process | None:
    """The process, or None when there is none that lives."""
    found = _read(pid)
    return None if found is None or found.state in _DEAD else found


def _read(pid: int) -> Process | None:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace")
        status = Path(f"/proc/{pid}/status").read_text("utf-8", "replace")
    except OSError:
        return None
    # proc_pid_stat(5): the name stands in parentheses and may hold anything; then come fields 3, 4, … 22.
    rest = stat.rpartition(")")[2].split()
    uid = int(status.partition("\nUid:")[2].split(None, 1)[0])
    return Process(pid, int(rest[1]), rest[0], int(rest[19]), uid)


def look_again(pid: int, start: int) -> Process | None:
    """The same process as before, or None when it is dead."""
    found = look(pid)
    return found if found and found.start == start else None


def _all() -> list[Process]:
    found = (_read(int(entry)) for entry in os.listdir("/proc") if entry.isdecimal())
    return [process for process in found if process]


def everything() -> dict[int, Process]:
    """All living processes by pid."""
    return {process.pid: process for process in _all() if process.state not in _DEAD}


def everything_dead(parent: int) -> set[int]:
    """The pids of a process's dead children that nobody has reaped yet."""
    return {process.pid for process in _all() if process.parent == parent and process.state in _DEAD}


@dataclass(frozen=True)
class Family:
    """All processes of one stack. `uid` is the stack's own, or None where it has none."""

    ref: str
    uid: int | None

    def members(self, host: Process | None) -> list[Process]:
        """Host and descendants, parents before children, then strays."""
        table = everything()
        ordered = [table[host.pid]] if host and host.pid in table and table[host.pid].start == host.start else []
        for parent in ordered:
            ordered += [p for p in table.values() if p.parent == parent.pid and p not in ordered]
        strays = [p for p in table.values() if p not in ordered and self._is_ours(p)]
        return ordered + strays

    def _is_ours(self, process: Process) -> bool:
        if self.uid is not None:
            return process.uid == self.uid
        if process.uid != os.geteuid():
            return False
        with contextlib.suppress(OSError):
            return f"{MARK}={self.ref}\0".encode() in Path(f"/proc/{process.pid}/environ").read_bytes()
        return False

    def already_stopped(self, host: Process) -> list[tuple[int, int]]:
        """What somebody else stopped (a job control's jobs): (pid, start) of each."""
        return [(p.pid, p.start) for p in self.members(host) if p.stopped and p.pid != host.pid]

    async def stop(self, host: Process) -> None:
        """Stop all, the host process last: while it runs, the stack is awake.

        Parents have stopped before their children do: a shell would else see its job stop, and say so when it
        wakes.
        """
        ends = time.monotonic() + _PATIENCE_S
        while (running := self._others(host, stopped=False)) and time.monotonic() < ends:
            for process in running:
                await _stop_one(process)
        await _stop_one(host)
        # What was forked in between.
        for process in self._others(host, stopped=False):
            await _stop_one(process)

    async def go_on(self, host: Process, except_for: Iterable[tuple[int, int]]) -> None:
        """Let all go on, the host process last: until it runs, the stack is asleep."""
        left = set(except_for)

        def sleepers() -> list[Process]:
            return [p for p in reversed(self._others(host, stopped=True)) if (p.pid, p.start) not in left]

        # A job that reads the terminal from the background stops again at once: one signal each, no wait.
        _send(signal.SIGCONT, sleepers())
        os.kill(host.pid, signal.SIGCONT)
        await _until(lambda: _runs(host), "go on")

    async def kill(self, host: Process | None) -> None:
        """Kill all and wait until none is left."""
        doomed = self.members(host)
        _send(signal.SIGSTOP, doomed)
        known = {(p.pid, p.start) for p in doomed}

        def left() -> list[Process]:
            known.update((p.pid, p.start) for p in self.members(host))
            return [p for p in (look_again(*one) for one in known) if p]

        await _until(lambda: not _send(signal.SIGKILL, left()), "die")

    def _others(self, host: Process, *, stopped: bool) -> list[Process]:
        return [p for p in self.members(host) if p.pid != host.pid and p.stopped == stopped]


async def _stop_one(process: Process) -> None:
    _send(signal.SIGSTOP, [process])
    await _until(lambda: not _runs(process), "stop")


def _runs(process: Process) -> bool:
    now = look_again(process.pid, process.start)
    return bool(now and not now.stopped)


def _send(number: signal.Signals, targets: list[Process]) -> list[Process]:
    for process in targets:
        with contextlib.suppress(ProcessLookupError):
            os.kill(process.pid, number)
    return targets


async def _until(done: Callable[[], bool], what: str) -> None:
    ends = time.monotonic() + _PATIENCE_S
    while not done():
        if time.monotonic() > ends:
            raise Transient(f"The stack has processes that do not {what} within {_PATIENCE_S:.0f} s.")
        await asyncio.sleep(0.001)
