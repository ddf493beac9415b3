"""The tables and the claims on every engine that a site may have: the same tests, a real server each."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.databases.server import running

ROOT = Path(__file__).parents[2]
WHAT = ["tests/stacks", "tests/test_models.py"]


@pytest.mark.timeout(600)
@pytest.mark.parametrize("kind", ["mysql", "postgres"])
def test_the_life_of_stacks_and_tickets_on(kind, tmp_path):
    with running(kind, tmp_path / kind) as port:
        env = {**os.environ, "HASTEXO_LAB_TEST_DB": kind, "HASTEXO_LAB_TEST_DB_PORT": str(port)}
        # Folders of its own: pytest clears those of older runs away, and might take ours for one.
        command = [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-p",
            "no:cacheprovider",
            f"--basetemp={tmp_path}/own",
            *WHAT,
        ]
        done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-6000:]
