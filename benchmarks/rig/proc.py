"""What a process and all that it has started cost, by the kernel's own account."""

from __future__ import annotations

import os
import resource
import time
from contextlib import suppress
from pathlib import Path

PAGE_KIB = os.sysconf("SC_PAGE_SIZE") // 1024


def tree(pid: int) -> list[int]:
    """The process and its descendants; none for 0."""
    found = [pid] if pid else []
    for each in found:
        for children in Path(f"/proc/{each}/task").glob("*/children"):
            with suppress(OSError):
                found += [int(child) for child in children.read_text().split()]
    return found


def cpu_ms(pid: int) -> float:
    """Milliseconds of CPU that the tree has used by now, to the nanosecond: of those that are alive."""
    total = 0.0
    for each in tree(pid):
        with suppress(OSError):
            # CPUCLOCK_SCHED of a process by its id, as clock_getcpuclockid(3) makes it.
            total += time.clock_gettime((~each << 3) | 2)
    return total * 1000


def rss_kib(pid: int) -> int:
    """KiB of memory that the tree has in RAM."""
    total = 0
    for each in tree(pid):
        with suppress(OSError):
            total += int(Path(f"/proc/{each}/statm").read_text().split()[1]) * PAGE_KIB
    return total


def many_files() -> int:
    """Allow this process and those that it starts as many open files as it may. Returns how many."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard
