"""Other programs for the same work: installed here by pip or npm, each in a folder of its own in the cache."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

from benchmarks.results import CACHE, Skipped

# setuptools and pymongo: hastexo's consumer imports them without asking for them.
HASTEXO = (
    *("hastexo-xblock==8.7.0", "pyguacamole==0.11", "channels==4.3.2", "daphne==4.2.3", "Django<6"),
    *("jsonfield==3.2.0", "pymongo==4.20.0", "setuptools<82"),
)
WEBSSH = ("webssh==1.6.3",)
TERMINADO = ("terminado==0.18.1",)
GUACAMOLE_LITE = ("guacamole-lite@1.2.0",)
WETTY = ("wetty@3.2.0",)
WITHIN_S = 900


def python(packages: tuple[str, ...]) -> Path:
    """The interpreter of an environment that holds these. Raises Skipped."""
    folder = CACHE / "peers" / packages[0]
    if not _holds(folder, packages):
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True)
        _run([str(folder / "bin" / "pip"), "install", "-q", "--disable-pip-version-check", *packages], packages[0])
        _done(folder, packages)
    return folder / "bin" / "python"


def node(packages: tuple[str, ...]) -> tuple[str, Path]:
    """The Node.js to run these with, and the folder in whose node_modules they are. Raises Skipped."""
    program, npm = shutil.which("node"), shutil.which("npm")
    if program is None or npm is None:
        raise Skipped("Node.js is missing: the environment's test extra brings it")
    folder = CACHE / "peers" / packages[0].replace("@", "-")
    if not _holds(folder, packages):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        _run([npm, "install", "--prefix", str(folder), "--no-audit", "--no-fund", *packages], packages[0])
        _done(folder, packages)
    return program, folder


def described() -> str:
    """What is compared with, for the results."""
    packages = (GUACAMOLE_LITE, WETTY, HASTEXO, WEBSSH, TERMINADO)
    names = [each[0] for each in packages]
    if program := shutil.which("node"):
        told = subprocess.run([program, "--version"], check=True, capture_output=True, text=True)
        names.append(f"Node.js {told.stdout.strip()}")
    return ", ".join(names)


def _holds(folder: Path, packages: tuple[str, ...]) -> bool:
    stamp = folder / ".holds"
    return stamp.exists() and json.loads(stamp.read_text()) == list(packages)


def _done(folder: Path, packages: tuple[str, ...]) -> None:
    (folder / ".holds").write_text(json.dumps(packages))


def _run(command: list[str], what: str) -> None:
    print(f"Installing {what} ...", flush=True)
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=WITHIN_S)
    except subprocess.TimeoutExpired:
        raise Skipped(f"{what} is not installed within {WITHIN_S} s") from None
    if done.returncode:
        said = [line for line in (done.stdout + done.stderr).splitlines() if "error" in line.lower()]
        raise Skipped(f"{what} cannot be installed: {(said or ['no reason given'])[-1][:300]}")
