"""Where results are kept: one section of RESULTS.md for each benchmark, with machine, versions and command."""

from __future__ import annotations

import os
import platform
import re
import statistics
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

FILE = Path(__file__).parent / "RESULTS.md"
PACKAGES = ("Django", "uvicorn", "asyncssh", "python-heatclient")


def summary(values: list[float]) -> str:
    """Median and range."""
    return f"{statistics.median(values):.2f} ({min(values):.2f} to {max(values):.2f})"


def machine() -> str:
    """What it was measured on."""
    model = re.search(r"model name\s*: (.+)", Path("/proc/cpuinfo").read_text())
    versions = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    cpu = model[1] if model else platform.machine()
    return f"{os.cpu_count()} cores ({cpu}), Python {platform.python_version()}, {versions}"


def note(name: str, command: str, lines: list[str]) -> None:
    """Replace the section of this benchmark."""
    head = "# Results\n\nWritten by the commands themselves.\n"
    text = FILE.read_text() if FILE.exists() else head
    kept = re.sub(rf"\n## {name}\n.*?(?=\n## |\Z)", "", text, flags=re.DOTALL).rstrip()
    day = datetime.now(UTC).strftime("%Y-%m-%d")
    section = [f"## {name}", "", f"`{command}`, {day}, {machine()}.", "", *lines]
    FILE.write_text(kept + "\n\n" + "\n".join(section) + "\n")
    print("\n".join(section))
