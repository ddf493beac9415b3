"""From a key to its echo, while 200 other sessions are open and quiet.

Somebody types, 2 to 8 ms between an echo and the next key; the fake guacd answers at once with a small picture and
a `sync`. "Added" is what is more than without anything in between. CPU is that of the proxy for one key and its
echo, with what the quiet sessions cost meanwhile. An echo that does not come within 20 s counts as long; of quiet
sessions there are fewer where fewer than one a second could be opened.
"""

from __future__ import annotations

import contextlib
from pathlib import Path

from benchmarks.results import Row
from benchmarks.rig import proc
from benchmarks.rig.bench import Figures, Plan, each_run
from benchmarks.rig.crowd import crowd
from benchmarks.rig.guacd import ECHO, echo, running_fake
from benchmarks.rig.load import echoes_ms, percentile
from benchmarks.rig.systems import Direct, System, tunnels
from benchmarks.rig.wire import Link, key, opened

METRICS = {
    "echo_ms_p50": "echo p50, ms",
    "echo_ms_p99": "echo p99, ms",
    "added_ms_p50": "added p50, ms",
    "added_ms_p99": "added p99, ms",
    "cpu_ms_per_echo": "CPU ms an echo",
    "quiet_sessions": "quiet sessions",
}
QUIET = 200
KEYS = 1000


def measure(plan: Plan, folder: Path) -> tuple[list[Row], list[str]]:
    """Rows, and lines for the results."""
    direct: Figures = {}

    def once(system: System) -> dict[str, Figures]:
        with running_fake(folder) as guacd, system.start(folder, guacd) as proxy, crowd() as others:
            here, _ = others.open(proxy.dials(20 if plan.quick else QUIET))
            with contextlib.closing(opened(proxy.dials(1)[0])) as link:
                echoes_ms(link, 20, lambda number: _press(link, number))
                before_ms = proc.cpu_ms(proxy.pid)
                waited_ms = echoes_ms(link, 100 if plan.quick else KEYS, lambda number: _press(link, number))
                cpu_ms = proc.cpu_ms(proxy.pid) - before_ms
        found = {
            "echo_ms_p50": percentile(waited_ms, 50),
            "echo_ms_p99": percentile(waited_ms, 99),
            "quiet_sessions": float(here),
        }
        if isinstance(system, Direct):
            direct.update(found)
            return {"desktop": found}
        added = {f"added_ms_{p}": found[f"echo_ms_{p}"] - direct[f"echo_ms_{p}"] for p in ("p50", "p99")}
        return {"desktop": {**found, **added, "cpu_ms_per_echo": cpu_ms / len(waited_ms)}}

    with_direct = Plan(plan.runs, plan.only and ("direct", *plan.only), plan.quick)
    return each_run(with_direct, [Direct(), *tunnels()], ["desktop"], once), []


def _press(link: Link, number: int) -> bytes:
    link.say(key(ECHO + number))
    return echo(ECHO + number)
