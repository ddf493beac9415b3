"""CPU of the proxy for a MB of guacd's output, and MB a second, with four sessions that take all that comes.

A MB is 10⁶ bytes as guacd sends them. Pages say what they have drawn as ours does, after every 64 KiB; nobody
answers `sync`, so nothing but the stream is measured.
"""

from __future__ import annotations

import selectors
import time
from pathlib import Path

from benchmarks.results import Row
from benchmarks.rig import proc
from benchmarks.rig.bench import Plan, each_run
from benchmarks.rig.guacd import CASE, end, running_fake
from benchmarks.rig.streams import CASES, Stream, streams
from benchmarks.rig.systems import Proxy, System, tunnels
from benchmarks.rig.wire import Link, Refused, key, opened

METRICS = {"cpu_ms_per_mb": "CPU ms a MB", "mb_per_s": "MB a second"}
SESSIONS = 4
WARM = 1  # parts that nobody measures
AIM_S = 3.0  # a measurement takes about this long
PING_S = 5.0


def measure(plan: Plan, folder: Path) -> tuple[list[Row], list[str]]:
    """Rows, and lines for the results."""
    recorded = streams()

    def once(system: System) -> dict[str, dict[str, float]]:
        with running_fake(folder, recorded.values()) as guacd, system.start(folder, guacd) as proxy:
            return {
                case: _figures(proxy, number * CASE, stream, plan)
                for number, (case, stream) in enumerate(recorded.items())
            }

    rows = each_run(plan, tunnels(), list(CASES), once)
    lines = [f"{case}: {stream.described()}." for case, stream in recorded.items()]
    return rows, [f"{SESSIONS} sessions at once. Streams of a real guacd: {' '.join(lines)}"]


def _figures(proxy: Proxy, case: int, stream: Stream, plan: Plan) -> dict[str, float]:
    links = [opened(dial) for dial in proxy.dials(SESSIONS)]
    try:
        taken_s = _flood(links, case + WARM)
        parts = 2 * WARM if plan.quick else max(2 * WARM, min(5000, round(WARM * AIM_S / taken_s)))
        before_ms = proc.cpu_ms(proxy.pid)
        taken_s = _flood(links, case + parts)
        cpu_ms = proc.cpu_ms(proxy.pid) - before_ms
    finally:
        for link in links:
            link.close()
    megabytes = SESSIONS * stream.size(parts) / 1e6
    return {"cpu_ms_per_mb": cpu_ms / megabytes, "mb_per_s": megabytes / taken_s}


def _flood(links: list[Link], keysym: int) -> float:
    """Ask all for this, and take it in. Returns seconds."""
    begin, mark = time.monotonic(), end(keysym)
    buffer = memoryview(bytearray(64 * 1024))
    tails = dict.fromkeys(links, b"")
    with selectors.DefaultSelector() as selector:
        for link in links:
            selector.register(link.sock, selectors.EVENT_READ, link)
            link.say(key(keysym))
        pinged = begin
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
                link.drew(count)
                # The frames' heads are counted as well; the gateway takes no more credit than it has given.
                tails[link] = (tails[link] + bytes(buffer[max(0, count - 99) : count]))[-99:]
                if mark in tails[link]:
                    selector.unregister(link.sock)
                    del tails[link]
    return time.monotonic() - begin
