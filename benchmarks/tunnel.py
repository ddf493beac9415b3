"""CPU of the proxy for a MB of guacd's output, and MB a second, with four sessions that take all that comes.

A MB is 10⁶ bytes as guacd sends them. Pages say what they have drawn as often as ours does; nobody
answers `sync`, so nothing but the stream is measured.
"""

from __future__ import annotations

from pathlib import Path

from benchmarks.results import Row
from benchmarks.rig import proc
from benchmarks.rig.bench import Plan, each_run
from benchmarks.rig.guacd import CASE, end, running_fake
from benchmarks.rig.load import flood
from benchmarks.rig.streams import CASES, Stream, streams
from benchmarks.rig.systems import Proxy, System, tunnels
from benchmarks.rig.wire import Link, key, opened

METRICS = {"cpu_ms_per_mb": "CPU ms a MB", "mb_per_s": "MB a second"}
SESSIONS = 4
WARM = 1  # parts that nobody measures
AIM_S = 3.0  # a measurement takes about this long


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
    return flood(links, lambda link: link.say(key(keysym)), end(keysym))
