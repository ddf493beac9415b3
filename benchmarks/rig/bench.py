"""What all benchmarks of the gateway share: what is asked for, and the round of systems and runs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Protocol, TypeVar

from benchmarks.results import Row, Skipped, row, short, skipped
from benchmarks.rig.wire import Refused

Figures = dict[str, float]


class Named(Protocol):
    """A system, as its rows name it."""

    name: str
    server: str


S = TypeVar("S", bound=Named)


@dataclass(frozen=True)
class Plan:
    """So many runs; only the systems whose name is in `only`, if there are any; `quick`: small amounts."""

    runs: int = 5
    only: tuple[str, ...] = ()
    quick: bool = False

    def wants(self, system: Named) -> bool:
        """Is this one to be measured?"""
        return not self.only or system.name in self.only


def each_run(
    plan: Plan,
    systems: Sequence[S],
    cases: Sequence[str],
    once: Callable[[S], dict[str, Figures]],
    *,
    at_once: bool = False,
) -> list[Row]:
    """Every run measures all systems one after the other, so that what else happens here meets them alike.

    `at_once`: all runs of a system at the same time, for what takes long and hardly any CPU.
    """
    rounds, width = (1, plan.runs) if at_once else (plan.runs, 1)
    found: dict[tuple[S, str], dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    failed: dict[S, str] = {}
    wanted = [system for system in systems if plan.wants(system)]
    for _ in range(rounds):
        for system in wanted:
            if system in failed:
                continue
            try:
                with ThreadPoolExecutor(width) as pool:
                    runs = list(pool.map(once, [system] * width))
            except (Skipped, Refused, OSError, AssertionError) as error:
                failed[system] = " ".join(str(error).split())[-300:] or type(error).__name__
                print(f"{system.name} ({system.server}): {failed[system]}", flush=True)
                continue
            for case, figures in [pair for run in runs for pair in run.items()]:
                for metric, value in figures.items():
                    found[system, case][metric].append(value)
                told = ", ".join(f"{metric} {short(value)}" for metric, value in figures.items())
                print(f"{system.name} ({system.server}), {case}: {told}", flush=True)
    return [
        row(system.name, system.server, case, **found[system, case])
        if found[system, case]
        else skipped(system.name, system.server, case, failed.get(system, "not measured"))
        for system in wanted
        for case in cases
    ]
