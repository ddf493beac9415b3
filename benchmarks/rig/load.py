"""What the benchmarks do with open connections: take in all that comes, and wait for echoes."""

from __future__ import annotations

import random
import selectors
import time
from collections.abc import Callable, Sequence

from benchmarks.rig.wire import Link, Refused

PING_S = 5.0
GAP_S = (0.002, 0.008)  # between an echo and the next key
WITHIN_S = 20.0
LONGEST_MARK = 99


def flood(links: Sequence[Link], ask: Callable[[Link], None], mark: bytes) -> float:
    """Ask for something on all of them, and take in what comes until the mark. Returns seconds."""
    begin = pinged = time.monotonic()
    buffer = memoryview(bytearray(64 * 1024))
    tails = dict.fromkeys(links, b"")
    with selectors.DefaultSelector() as selector:
        for link in links:
            link.sock.settimeout(None)
            selector.register(link.sock, selectors.EVENT_READ, link)
            ask(link)
        while tails:
            if time.monotonic() - pinged > PING_S:
                pinged = time.monotonic()
                for link in tails:
                    link.ping()
            for found, _ in selector.select(PING_S):
                link = found.data
                count = link.sock.recv_into(buffer)
                if not count:
                    raise Refused("hung up in mid-stream")
                # Heads of frames are counted as well: a proxy takes no more credit than it has given.
                link.drew(count)
                tails[link] = (tails[link] + bytes(buffer[max(0, count - LONGEST_MARK) : count]))[-LONGEST_MARK:]
                if mark in tails[link]:
                    selector.unregister(link.sock)
                    del tails[link]
    return time.monotonic() - begin


def echoes_ms(link: Link, count: int, press: Callable[[int], bytes]) -> list[float]:
    """Milliseconds from each of so many keys to its echo. `press` types one, and returns what its echo ends with.

    An echo that does not come within WITHIN_S counts as that long, and is the last.
    """
    waited: list[float] = []
    pinged = time.monotonic()
    end = pinged + 2 * WITHIN_S
    while len(waited) < count and time.monotonic() < end:
        if time.monotonic() - pinged > PING_S:
            pinged = time.monotonic()
            link.ping()
        time.sleep(random.uniform(*GAP_S))
        begin = time.perf_counter()
        mark = press(len(waited))
        try:
            link.until(mark, timeout_s=WITHIN_S)
        except TimeoutError:
            return [*waited, WITHIN_S * 1000]
        waited.append((time.perf_counter() - begin) * 1000)
    return waited


def percentile(values: Sequence[float], percent: float) -> float:
    """The value that so many percent do not exceed."""
    return sorted(values)[min(len(values) - 1, int(len(values) * percent / 100))]
