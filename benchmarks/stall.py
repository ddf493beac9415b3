"""How much the proxy grows while a reader takes nothing any more, for 60 s.

guacd has as much to say as anybody will take. All runs of a system stand side by side, each with a proxy of its
own. One that grows by 512 MiB is stopped there.
"""

from __future__ import annotations

import contextlib
import time
from pathlib import Path

from benchmarks.results import Row
from benchmarks.rig import proc
from benchmarks.rig.bench import Figures, Plan, each_run
from benchmarks.rig.guacd import CASE, running_fake
from benchmarks.rig.streams import streams
from benchmarks.rig.systems import System, tunnels
from benchmarks.rig.wire import Link, key, opened

METRICS = {"stall_growth_mib": "MiB of growth", "stalled_s": "watched for s"}
STALL_S = 60.0
CAP_MIB = 512


def measure(plan: Plan, folder: Path) -> tuple[list[Row], list[str]]:
    """Rows, and lines for the results."""
    recorded = streams()

    def once(system: System) -> dict[str, Figures]:
        with (
            running_fake(folder, recorded.values()) as guacd,
            system.start(folder, guacd) as proxy,
            contextlib.closing(opened(proxy.dials(1)[0])) as link,
        ):
            return {"desktop": _stalled(link, proxy.pid, 3.0 if plan.quick else STALL_S)}

    return each_run(plan, tunnels(), ["desktop"], once, at_once=True), []


def _stalled(link: Link, pid: int, seconds: float) -> Figures:
    before_kib, most, begin = proc.rss_kib(pid), 0.0, time.monotonic()
    link.say(key(CASE - 1))
    while (passed := time.monotonic() - begin) < seconds and most < CAP_MIB:
        time.sleep(0.1)
        most = max(most, (proc.rss_kib(pid) - before_kib) / 1024)
    return {"stall_growth_mib": most, "stalled_s": passed}
