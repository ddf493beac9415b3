"""What is shipped: small, without a trace of the machine that built it, and made from the sources beside it."""

from __future__ import annotations

import gzip
import json
import shutil
import subprocess

import pytest

from tests.frontend.pretend import ROOT

STATIC = ROOT / "hastexo_lab" / "static"
FRONTEND = ROOT / "frontend"
BUILT = ["lab.js", "desktop.js", "shell.js", "lab.css", "THIRD-PARTY-LICENSES.txt"]


@pytest.mark.parametrize(
    ("names", "limit_kib"), [(["lab.js", "lab.css"], 30), (["desktop.js"], 150), (["shell.js"], 130)]
)
def test_what_a_page_loads_is_small(names: list[str], limit_kib: int) -> None:
    assert sum(len(gzip.compress((STATIC / name).read_bytes())) for name in names) <= limit_kib * 1024


@pytest.mark.parametrize("name", BUILT)
def test_nothing_shipped_tells_where_it_was_built(name: str) -> None:
    text = (STATIC / name).read_text("utf-8")
    assert "sourceMappingURL" not in text
    assert str(ROOT) not in text


def test_the_lock_names_no_registry() -> None:
    packages = json.loads((FRONTEND / "package-lock.json").read_text("utf-8"))["packages"]
    assert not [name for name, package in packages.items() if "resolved" in package]


def test_every_part_of_somebody_else_has_its_licence() -> None:
    licences = (STATIC / "THIRD-PARTY-LICENSES.txt").read_text("utf-8")
    for part in ("@dushixiang/guacamole-common-js 1.6.0", "@xterm/xterm 6.0.0", "@xterm/addon-search 0.16.0"):
        assert part in licences


def test_types_lint_units_and_the_built_files_are_right() -> None:
    npm = shutil.which("npm")
    if npm is None or not (FRONTEND / "node_modules").exists():
        pytest.skip("npm ci has not been run in frontend")
    done = subprocess.run(
        [npm, "run", "check"], cwd=FRONTEND, capture_output=True, text=True, timeout=110, check=False
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
