"""A shell in a real sshd: from a key to its echo, a flood of output, and what a quiet session costs.

The kernel's terminal echoes in the lab, so the lab itself takes no time. "Added" is what is more than with
OpenSSH's client and nothing in between. Keys are 2 to 8 ms apart. The flood is a listing of files in colour; a MB
is 10⁶ bytes of it. Memory is that of 50 more sessions. Everything is measured for the whole tree of the proxy's
processes: wetty and terminado start an ssh for each session.
"""

from __future__ import annotations

import contextlib
import subprocess
from pathlib import Path

from benchmarks.results import Row
from benchmarks.rig import proc
from benchmarks.rig.bench import Figures, Plan, each_run
from benchmarks.rig.crowd import crowd
from benchmarks.rig.load import echoes_ms, flood, percentile
from benchmarks.rig.shells import READY, Direct, Shell, shells
from benchmarks.rig.sshd import running_sshd
from benchmarks.rig.wire import Link, opened

METRICS = {
    "echo_ms_p50": "echo p50, ms",
    "echo_ms_p99": "echo p99, ms",
    "added_ms_p50": "added p50, ms",
    "added_ms_p99": "added p99, ms",
    "cpu_ms_per_echo": "CPU ms an echo",
    "cpu_ms_per_mb": "CPU ms a MB",
    "mb_per_s": "MB a second",
    "rss_kib_per_session": "KiB a session",
}
KEYS = 1000
LINE = 60  # keys
SIZE = 1_000_000
AIM_S = 2.0
QUIET = 50

# A line with a number is answered by so many copies of the listing; everything else is only echoed.
LAB = """echo {ready}
while read -r copies; do
  case $copies in [1-9]*) ;; *) continue ;; esac
  left=$copies
  while [ "$left" -gt 0 ]; do cat '{listing}'; left=$((left - 1)); done
  echo; echo "=over=$copies="; echo "=over=$copies="
done
"""


def measure(plan: Plan, folder: Path) -> tuple[list[Row], list[str]]:
    """Rows, and lines for the results."""
    direct: Figures = {}
    listing = folder / "listing"
    listed = "ls -lR --color=always /usr /etc 2>/dev/null | head -c 1000000"
    listing.write_bytes(subprocess.run(["sh", "-c", listed], stdout=subprocess.PIPE, check=True).stdout.ljust(SIZE))

    with running_sshd(folder, LAB.format(ready=READY, listing=listing)) as sshd:

        def once(system: Shell) -> dict[str, Figures]:
            with system.start(folder, sshd) as proxy, contextlib.closing(opened(proxy.dials(1)[0])) as link:
                found = _echo(link, proxy.pid, 100 if plan.quick else KEYS)
                if isinstance(system, Direct):
                    direct.update(found)
                    return {"terminal": found}
                found |= {f"added_ms_{p}": found[f"echo_ms_{p}"] - direct[f"echo_ms_{p}"] for p in ("p50", "p99")}
                found |= _flood(link, proxy.pid, plan)
                with crowd() as quiet:
                    before_kib = proc.rss_kib(proxy.pid)
                    here, _ = quiet.open(proxy.dials(5 if plan.quick else QUIET))
                    if here:
                        found["rss_kib_per_session"] = (proc.rss_kib(proxy.pid) - before_kib) / here
            return {"terminal": found}

        with_direct = Plan(plan.runs, plan.only and ("direct", *plan.only), plan.quick)
        return each_run(with_direct, shells(), ["terminal"], once), []


def _echo(link: Link, pid: int, count: int) -> Figures:
    def press(number: int) -> bytes:
        if number % LINE == LINE - 1:
            link.type("\r")
        letter = chr(ord("A") + number % 26)
        link.type(letter)
        return letter.encode()

    echoes_ms(link, 20, press)
    before_ms = proc.cpu_ms(pid)
    waited_ms = echoes_ms(link, count, press)
    figures = {"echo_ms_p50": percentile(waited_ms, 50), "echo_ms_p99": percentile(waited_ms, 99)}
    if pid:
        figures["cpu_ms_per_echo"] = (proc.cpu_ms(pid) - before_ms) / len(waited_ms)
    link.type("\r")
    return figures


def _flood(link: Link, pid: int, plan: Plan) -> Figures:
    taken_s = _take(link, 1)
    copies = 2 if plan.quick else max(2, min(200, round(AIM_S / taken_s)))
    before_ms = proc.cpu_ms(pid)
    taken_s = _take(link, copies)
    megabytes = copies * SIZE / 1e6
    return {"cpu_ms_per_mb": (proc.cpu_ms(pid) - before_ms) / megabytes, "mb_per_s": megabytes / taken_s}


def _take(link: Link, copies: int) -> float:
    return flood([link], lambda each: each.type(f"{copies}\r"), f"=over={copies}=".encode())
