"""The house is in order: format, lint, types, layers, migrations, packaging, and the JavaScript's own checks."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PYTHON = [sys.executable, "-m"]
BIN = Path(sys.executable).parent

COMMANDS = {
    "lint": [*PYTHON, "ruff", "check", "."],
    "format": [*PYTHON, "ruff", "format", "--check", "."],
    "types": [*PYTHON, "mypy"],
    "layers": [str(BIN / "lint-imports")],
    "migrations": [*PYTHON, "django", "makemigrations", "--check", "--settings", "tests.settings", "hastexo_lab"],
}


@pytest.mark.timeout(300)
@pytest.mark.parametrize("what", COMMANDS)
def test_python(what):
    done = subprocess.run(COMMANDS[what], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.timeout(300)
def test_javascript():
    npm = shutil.which("npm", path=f"{BIN}:/usr/local/bin:/usr/bin")
    assert npm, "npm is missing: run tests/run, which installs it"
    done = subprocess.run([npm, "run", "check"], cwd=ROOT / "frontend", capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_our_folder_does_not_shadow_the_sdk():
    code = "import workbench; print(workbench.__file__)"
    out = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert "site-packages" in out


def test_the_lock_file_names_no_registry():
    assert not re.search(r'"resolved"', (ROOT / "frontend" / "package-lock.json").read_text())


def test_no_module_is_too_long():
    long = [
        f"{path.relative_to(ROOT)}: {lines}"
        for folder in ("hastexo_lab", "workbench", "tests", "frontend/src")
        for path in (ROOT / folder).rglob("*.*")
        if path.suffix in (".py", ".js") and "static" not in path.parts
        if (lines := len(path.read_text().splitlines())) > 500
    ]
    assert not long
