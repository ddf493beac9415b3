"""`./benchmarks/run NAME`: measure, print, and note it in RESULTS.md. See `run`."""

from __future__ import annotations

import argparse
import importlib
import json
import os
import shlex
import sys
import tempfile
from pathlib import Path

from benchmarks.results import Row, Skipped, note, table
from benchmarks.rig import peers
from benchmarks.rig.bench import Plan
from benchmarks.rig.proc import many_files

NAMES = ("tunnel", "latency", "idle", "stall", "shell")


def arguments(words: list[str]) -> argparse.Namespace:
    """What is asked for."""
    parser = argparse.ArgumentParser(prog="./benchmarks/run", description=__doc__)
    parser.add_argument("name", choices=NAMES)
    parser.add_argument("--json", action="store_true", help="the last line is the rows as JSON")
    parser.add_argument("--runs", type=int, default=5, metavar="N")
    parser.add_argument("--only", action="append", default=[], metavar="SYSTEM", help="leaves RESULTS.md alone")
    parser.add_argument("--quick", action="store_true", help="one run of small amounts; RESULTS.md is left alone")
    return parser.parse_args(words)


def database(folder: Path) -> None:
    """A database for our gateways, and Django in this process, which issues their tickets."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.gateway.site"
    os.environ["HASTEXO_LAB_TEST_FILE"] = str(folder / "lab.sqlite3")
    import django

    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)


def main(words: list[str]) -> None:
    """See the module."""
    asked = arguments(words)
    many_files()
    plan = Plan(runs=1 if asked.quick else asked.runs, only=tuple(asked.only), quick=asked.quick)
    with tempfile.TemporaryDirectory(prefix="hastexo-lab-benchmark-", ignore_cleanup_errors=True) as name:
        database(Path(name))
        benchmark = importlib.import_module(f"benchmarks.{asked.name}")
        try:
            rows, remarks = benchmark.measure(plan, Path(name))
        except Skipped as why:
            sys.exit(f"{asked.name} cannot be measured: {why}.")
    lines = [*benchmark.__doc__.strip().splitlines(), "", *remarks, "", *table(rows, benchmark.METRICS)]
    if asked.quick or asked.only:
        print("\n".join(lines))
    else:
        runs = f"{plan.runs} runs, median (range). Compared with: {peers.described()}."
        note(asked.name, f"./benchmarks/run {shlex.join(words)}", [runs, "", *lines])
    if asked.json:
        print(as_json(asked.name, rows))


def as_json(name: str, rows: list[Row]) -> str:
    """All rows in one line."""
    return json.dumps({"benchmark": name, "rows": rows})


if __name__ == "__main__":
    main(sys.argv[1:])
