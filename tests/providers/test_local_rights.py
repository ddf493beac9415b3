"""Local labs where the workbench runs as an ordinary user, and as a root that may not mount (a container's)."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from hastexo_lab.providers.base import CloudState
from tests.providers.local_labs import Lab, strays

HERE = Path(__file__).parents[2]
NOBODY = 65534
# The Python of the tests may lie where only root can go: the system's own, with the same packages, then.
PYTHONS = (sys.executable, "/usr/bin/python3")
# setpriv starts it with rights of root that are gone when it starts itself.
PROBE = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'import asyncssh'], check=True)"
PATHS = os.pathsep.join([str(HERE), *filter(None, sys.path)])
AS_NOBODY = ("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups")
WITHOUT_MOUNT = ("setpriv", "--bounding-set=-sys_admin")

pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else"),
    pytest.mark.skipif(not shutil.which("setpriv"), reason="setpriv is not here"),
]


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that anybody can enter."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


def live(root: Path, *prefix: str) -> str:
    """A lab's whole life in a process of its own; what it said."""
    for python in PYTHONS:
        command = [*prefix, python, "-c"]
        env = {"PYTHONPATH": PATHS, "PATH": os.environ["PATH"], "PYTHONDONTWRITEBYTECODE": "1"}
        if subprocess.run([*command, PROBE], env=env, capture_output=True, check=False).returncode:
            continue
        script = f"import {__name__} as me; me.main({str(root)!r})"
        done = subprocess.run([*command, script], env=env, capture_output=True, text=True, check=False, timeout=60)
        assert done.returncode == 0, done.stderr
        return done.stdout
    pytest.skip("no Python here that the other user may run")


def main(root: str) -> None:
    print(asyncio.run(_life(Path(root))))


async def _life(root: Path) -> str:
    lab = await Lab.create(root)
    try:
        told = await lab.outputs()
        said = await lab.run("id -u; grep NoNewPrivs /proc/self/status; echo kept > kept; echo $HOME")
        await lab.run("setsid -f sleep 1000 >/dev/null 2>&1 </dev/null")
        await lab.provider.suspend(lab.ref)
        assert await lab.state() == CloudState.SUSPENDED
        await lab.provider.resume(lab.ref)
        host = lab.folder.host()
        assert host
        os.kill(host.pid, signal.SIGKILL)
        await lab.until(CloudState.RESUME_FAILED)
        await lab.provider.resume(lab.ref)
        assert await lab.run("cat kept") == "kept\n"
        await lab.provider.delete(lab.ref)
        assert not lab.folder.path.exists()
        return f"{said}offset {told.port_offset}"
    finally:
        await lab.provider.destroy_all()


@pytest.mark.parametrize("where", ["/home", "/tmp", "/var/tmp"])
def test_root_may_keep_labs_where_a_lab_sees_its_own_folders(where: str) -> None:
    with tempfile.TemporaryDirectory(dir=where) as folder:
        Path(folder).chmod(0o755)
        said = live(Path(folder) / "stacks")
        assert int(said.split("\n")[0]) > 1_900_000_000
        assert "/home/web\n" in said
        assert not strays(Path(folder))


def test_an_ordinary_user_has_labs_at_higher_ports(open_folder: Path) -> None:
    os.chown(open_folder, NOBODY, NOBODY)
    said = live(open_folder / "stacks", *AS_NOBODY)
    assert said.startswith(f"{NOBODY}\n")
    assert "offset 20000" in said
    assert not strays(open_folder)


def test_root_in_a_container_gives_its_rights_up_too(open_folder: Path) -> None:
    said = live(open_folder / "stacks", *WITHOUT_MOUNT)
    assert int(said.split("\n")[0]) > 1_900_000_000
    assert "NoNewPrivs:\t1" in said
    assert f"{open_folder}/stacks/lab/home/web" in said
    assert not strays(open_folder)


def test_a_root_folder_that_the_labs_user_cannot_reach_is_told(open_folder: Path) -> None:
    closed = open_folder / "closed"
    closed.mkdir(mode=0o700)
    with pytest.raises(AssertionError, match=f"cannot enter {closed}"):
        live(closed / "stacks", *WITHOUT_MOUNT)
