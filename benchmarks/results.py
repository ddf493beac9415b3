"""Where results are kept: one section of RESULTS.md for each benchmark, with machine, versions and command."""

from __future__ import annotations

import os
import platform
import re
import statistics
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

FILE = Path(__file__).parent / "RESULTS.md"
CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "hastexo-lab"
PACKAGES = ("Django", "uvicorn", "uvloop", "daphne", "websockets", "asyncssh", "python-heatclient")

Row = dict[str, Any]


class Skipped(Exception):
    """This cannot be measured here; the text says why in one sentence."""


def summary(values: list[float]) -> str:
    """Median and range."""
    return f"{statistics.median(values):.2f} ({min(values):.2f} to {max(values):.2f})"


def row(system: str, server: str, case: str, **metrics: list[float]) -> Row:
    """What was measured of one system in one case: each metric's values of all runs, as median and range."""
    spread = {
        name: {"median": short(statistics.median(values)), "min": short(min(values)), "max": short(max(values))}
        for name, values in metrics.items()
    }
    return {"system": system, "server": server, "case": case, **spread}


def short(value: float) -> float:
    """To four digits."""
    return float(f"{value:.4g}")


def skipped(system: str, server: str, case: str, why: object) -> Row:
    """A system that could not be measured."""
    return {"system": system, "server": server, "case": case, "skipped": str(why).strip()}


def table(rows: list[Row], metrics: dict[str, str]) -> list[str]:
    """Markdown: median (range), and how many times our first row's in this case. `metrics`: name → heading."""
    lines = [f"| system | server | case | {' | '.join(metrics.values())} |", "|---" * (3 + len(metrics)) + "|"]
    for each in rows:
        ours = next((r for r in rows if r["case"] == each["case"] and r["system"] == "hastexo_lab"), {})
        if "skipped" in each:
            cells = [f"skipped: {each['skipped']}"] + [""] * (len(metrics) - 1)
        else:
            cells = [_cell(each.get(name), ours.get(name)) for name in metrics]
        lines.append(f"| {each['system']} | {each['server']} | {each['case']} | {' | '.join(cells)} |")
    return lines


def _cell(spread: dict[str, float] | None, ours: dict[str, float] | None) -> str:
    if spread is None:
        return ""
    text = f"{spread['median']:g} ({spread['min']:g} to {spread['max']:g})"
    if not ours or ours is spread or ours["median"] <= 0:
        return text
    return f"{text}, {spread['median'] / ours['median']:.3g}×"


def machine() -> str:
    """What it was measured on."""
    model = re.search(r"model name\s*: (.+)", Path("/proc/cpuinfo").read_text())
    versions = ", ".join(f"{name} {found}" for name in PACKAGES if (found := _version(name)))
    cpu = model[1] if model else platform.machine()
    return f"{os.cpu_count()} cores ({cpu}), Python {platform.python_version()}, {versions}"


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


def note(name: str, command: str, lines: list[str]) -> None:
    """Replace the section of this benchmark."""
    head = "# Results\n\nWritten by the commands themselves.\n"
    text = FILE.read_text() if FILE.exists() else head
    kept = re.sub(rf"\n## {name}\n.*?(?=\n## |\Z)", "", text, flags=re.DOTALL).rstrip()
    day = datetime.now(UTC).strftime("%Y-%m-%d")
    section = [f"## {name}", "", f"`{command}`, {day}, {machine()}.", "", *lines]
    FILE.write_text(kept + "\n\n" + "\n".join(section) + "\n")
    print("\n".join(section))
