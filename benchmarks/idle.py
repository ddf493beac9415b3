"""What a session costs that is open and quiet, and how many of them answer a key within 10 s.

All in one process of the proxy, each session in a lab of its own: first 2,000, then, if all of them answered,
5,000. Memory is what the proxy's tree has in RAM more than with the first 50.
"""

from __future__ import annotations

import time
from pathlib import Path

from benchmarks.results import Row, Skipped
from benchmarks.rig import proc
from benchmarks.rig.bench import Figures, Plan, each_run
from benchmarks.rig.crowd import crowd
from benchmarks.rig.guacd import running_fake
from benchmarks.rig.systems import System, tunnels

METRICS = {"rss_kib_per_session": "KiB a session", "sessions": "sessions that answer"}
FIRST = 50
STEPS = (2000, 5000)
QUIET_S = 2.0
WITHIN_S = 10.0


def measure(plan: Plan, folder: Path) -> tuple[list[Row], list[str]]:
    """Rows, and lines for the results."""
    steps = (100,) if plan.quick else STEPS
    files = proc.many_files()
    if files < 2 * steps[-1] + 100:
        raise Skipped(f"a process may open {files} files here, and {2 * steps[-1] + 100} are needed (ulimit -Hn)")

    def once(system: System) -> dict[str, Figures]:
        with running_fake(folder) as guacd, system.start(folder, guacd) as proxy, crowd() as sessions:
            sessions.open(proxy.dials(FIRST))
            sessions.ask(WITHIN_S)
            base_kib, figures = proc.rss_kib(proxy.pid), {}
            for step in steps:
                here, why = sessions.open(proxy.dials(step - (FIRST if step == steps[0] else steps[0])))
                time.sleep(QUIET_S)
                if here <= FIRST:
                    raise Skipped(f"only {here} sessions can be opened: {why}")
                figures = {"rss_kib_per_session": (proc.rss_kib(proxy.pid) - base_kib) / (here - FIRST)}
                figures["sessions"] = float(sessions.ask(WITHIN_S))
                if figures["sessions"] < step:
                    print(f"{system.name} ({system.server}): {here} open. {why}", flush=True)
                    break
            return {"desktop": figures}

    return each_run(plan, tunnels(), ["desktop"], once), []
